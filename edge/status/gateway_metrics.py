"""The state of each gateway as Prometheus metrics, computed when scraped."""

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
    ("devices_quarantined", "Devices that do not respond and are only probed", lambda each: each.silent),
    ("lines_down", "Lines whose port cannot be used", lambda each: sum(not line.up for line in each.lines)),
    ("clock_trusted", "1 while the plan may follow the gateway's clock", lambda each: each.clock.trusted),
)


class GatewayCollector(Collector):
    """Uplink, clock, lines and devices of every gateway of a process."""

    def __init__(self, snapshot: StatusSnapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Return one gauge per quantity, by gateway; the uplink's is 1 for its state and 0 for the others."""
        gateways = self._snapshot.status(devices=False).gateways
        for name, meaning, value in _GAUGES:
            gauge = GaugeMetricFamily(f"lentera_gateway_{name}", meaning, labels=["gateway"])
            for each in gateways:
                gauge.add_metric((each.id,), float(value(each)))
            yield gauge
        yield _uplink_states(gateways)


def _uplink_states(gateways: Iterable[GatewayStatus]) -> Metric:
    family = GaugeMetricFamily(
        "lentera_gateway_uplink",
        "1 for the state of the connection to the cloud",
        labels=["gateway", "state"],
    )
    for each in gateways:
        for state in UplinkState:
            family.add_metric((each.id, state.value), float(each.uplink.state == state.value))
    return family
