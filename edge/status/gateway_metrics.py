"""The state of each gateway as Prometheus metrics, read off the board when asked for."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.status.model import GatewayStatus
from edge.status.snapshot import StatusSnapshot
from edge.uplink.uplink import UplinkState

_GAUGES: tuple[tuple[str, str, Callable[[GatewayStatus], float]], ...] = (
    (
        "outbox_failing",
        "1 while the outbox's disk cannot be written",
        lambda each: each.outbox.failing,
    ),
    ("uplink_in_flight_records", "Records sent and not acknowledged yet", lambda each: each.uplink.in_flight),
    ("devices", "Devices on the gateway's lines", lambda each: sum(line.devices for line in each.lines)),
    ("devices_quarantined", "Devices that do not answer and are asked seldom", lambda each: each.silent),
    ("lines_down", "Lines whose port cannot be used", lambda each: sum(not line.up for line in each.lines)),
    ("clock_trusted", "1 while the plan may go by the gateway's clock", lambda each: each.clock.trusted),
)


class GatewayCollector(Collector):
    """Uplink, clock, lines and devices of every gateway of a process."""

    def __init__(self, board: StatusSnapshot) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """Gauges by gateway; the uplink's state is 1 at the state it is in, 0 at the others."""
        gateways = self._board.status(devices=False).gateways
        for name, meaning, value in _GAUGES:
            gauge = GaugeMetricFamily(f"lentera_gateway_{name}", meaning, labels=["gateway"])
            for each in gateways:
                gauge.add_metric((each.id,), float(value(each)))
            yield gauge
        yield _uplink_states(gateways)


def _uplink_states(gateways: Iterable[GatewayStatus]) -> Metric:
    family = GaugeMetricFamily(
        "lentera_gateway_uplink", "1 at the state the way to the cloud is in", labels=["gateway", "state"]
    )
    for each in gateways:
        for state in UplinkState:
            family.add_metric((each.id, state.value), float(each.uplink.state == state.value))
    return family
