"""What a scrape shows."""

from prometheus_client import CollectorRegistry, generate_latest

from edge.line import LineCounters
from edge.metrics import LineCollector


def test_a_scrape_shows_what_the_lines_count_now() -> None:
    registry, collector = CollectorRegistry(), LineCollector()
    registry.register(collector)
    counters = LineCounters(requests=7, late=1)
    with collector.watching({("soreang-01", "/dev/ttyUSB0"): counters}):
        counters.requests = 8
        text = generate_latest(registry).decode()
    assert 'lentera_line_requests_total{gateway="soreang-01",port="/dev/ttyUSB0"} 8.0' in text
    assert 'lentera_line_late_total{gateway="soreang-01",port="/dev/ttyUSB0"} 1.0' in text
    assert "soreang-01" not in generate_latest(registry).decode()
