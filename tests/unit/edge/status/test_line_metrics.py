"""What a scrape shows."""

from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from edge.line import LineCounters
from edge.outbox import Limit, Outbox
from edge.status.line_metrics import LineCollector
from protocols.lamp import LampReading, Reason


def test_a_scrape_shows_what_the_lines_count_now() -> None:
    registry, collector = CollectorRegistry(), LineCollector()
    registry.register(collector)
    counters = LineCounters(requests=7, late=1)
    with collector.registered({("soreang-01", "/dev/ttyUSB0"): counters}):
        counters.requests = 8
        text = generate_latest(registry).decode()
    assert 'lentera_line_requests_total{gateway="soreang-01",port="/dev/ttyUSB0"} 8.0' in text
    assert 'lentera_line_late_total{gateway="soreang-01",port="/dev/ttyUSB0"} 1.0' in text
    assert "soreang-01" not in generate_latest(registry).decode()


async def test_what_an_outbox_holds_and_has_dropped_can_be_scraped(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", lambda: 1, Limit(records=1))
    await outbox.open()
    for minute in range(6):
        time = datetime(2026, 6, 1, 13, minute, tzinfo=UTC)
        outbox.append(LampReading("a", time, 100, 100, Reason.PROGRAM))
    await outbox._commit()
    for number in range(3):
        time = datetime(2026, 6, 1, 14, number, tzinfo=UTC)
        outbox.append(LampReading("a", time, 100, 100, Reason.PROGRAM))
    collector = LineCollector()
    with collector.registered({}, {"soreang-01": outbox}):
        samples = {
            sample.name: sample.value
            for metric in collector.collect()
            for sample in metric.samples
            if sample.labels["gateway"] == "soreang-01"
        }
    await outbox.close()
    assert samples["lentera_outbox_decimated_total"] == 2
    assert samples["lentera_outbox_waiting"] == 4
    assert samples["lentera_outbox_bytes"] > 4096
    assert samples["lentera_outbox_unwritten"] == 3
    assert samples["lentera_outbox_damaged_total"] == 0
    assert not any(metric.samples for metric in collector.collect())
