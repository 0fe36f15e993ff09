"""Counters of lines and outboxes as Prometheus metrics, read when scraped."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from types import MappingProxyType
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.line import LineCounters
from edge.outbox import Outbox

_NONE: Final[Mapping[str, Outbox]] = MappingProxyType({})


class LineCollector(Collector):
    """Counters of all lines and outboxes of a process; costs nothing until it is scraped."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str], LineCounters] = {}
        self._outboxes: dict[str, Outbox] = {}

    @contextmanager
    def registered(
        self, counters: Mapping[tuple[str, str], LineCounters], outboxes: Mapping[str, Outbox] = _NONE
    ) -> Iterator[None]:
        """Include these while the context lasts: counters by gateway and port, outboxes by gateway."""
        self._counters.update(counters)
        self._outboxes.update(outboxes)
        try:
            yield
        finally:
            for key in counters:
                del self._counters[key]
            for gateway in outboxes:
                del self._outboxes[gateway]

    def collect(self) -> Iterator[Metric]:
        """Return one counter per field of `LineCounters`, and the fill and losses of each outbox."""
        for field in fields(LineCounters):
            family = CounterMetricFamily(
                f"lentera_line_{field.name}",
                f"{field.name.replace('_', ' ').capitalize()} on an RS-485 line",
                labels=["gateway", "port"],
            )
            for labels, counters in self._counters.items():
                family.add_metric(labels, getattr(counters, field.name))
            yield family
        yield from self._outbox_metrics()

    def _outbox_metrics(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "lentera_outbox_waiting", "Records that wait for the cloud", labels=["gateway"]
        )
        size = GaugeMetricFamily("lentera_outbox_bytes", "Size of the outbox on disk", labels=["gateway"])
        decimated = CounterMetricFamily(
            "lentera_outbox_decimated",
            "Readings dropped because the outbox or, without a disk, the memory was full",
            labels=["gateway"],
        )
        unwritten = GaugeMetricFamily(
            "lentera_outbox_unwritten", "Records in memory that are not on disk yet", labels=["gateway"]
        )
        damaged = CounterMetricFamily(
            "lentera_outbox_damaged", "Stored records that could not be read", labels=["gateway"]
        )
        for gateway, outbox in self._outboxes.items():
            held = outbox.holding
            unwritten.add_metric([gateway], outbox.unwritten)
            damaged.add_metric([gateway], held.damaged)
            waiting.add_metric([gateway], held.waiting)
            size.add_metric([gateway], held.size_bytes)
            decimated.add_metric([gateway], held.decimated)
        yield from (waiting, size, decimated, unwritten, damaged)
