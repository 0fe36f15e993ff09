"""What a gateway process counts, as Prometheus metrics that are read off the parts when asked for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.line import LineCounters


class LineCollector(Collector):
    """The counters of every line of a process, by gateway and port; costs nothing until it is scraped."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str], LineCounters] = {}

    @contextmanager
    def watching(self, counters: Mapping[tuple[str, str], LineCounters]) -> Iterator[None]:
        """Show these too, by gateway and port, for as long as they count."""
        self._counters.update(counters)
        try:
            yield
        finally:
            for key in counters:
                del self._counters[key]

    def collect(self) -> Iterator[Metric]:
        """One counter for each thing a line counts."""
        for field in fields(LineCounters):
            family = CounterMetricFamily(
                f"lentera_line_{field.name}",
                f"{field.name.replace('_', ' ').capitalize()} on an RS-485 line",
                labels=["gateway", "port"],
            )
            for labels, counters in self._counters.items():
                family.add_metric(labels, getattr(counters, field.name))
            yield family
