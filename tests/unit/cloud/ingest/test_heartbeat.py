"""The ingester's heartbeat."""

from datetime import UTC, datetime

from cloud.ingest.heartbeat import Heartbeat
from cloud.live.model import IngestView

NOON = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)


def test_a_heartbeat_says_when_readings_were_stored_last() -> None:
    """Not before any were."""
    heartbeat = Heartbeat()
    assert heartbeat.beat() == IngestView(data_as_of=None, storing=True)
    heartbeat.data_as_of = NOON
    assert heartbeat.beat().data_as_of == NOON


def test_a_batch_that_no_store_takes_shows() -> None:
    """A store that hangs or refuses for five seconds takes nothing; when it is done, all is well."""
    now_s = 100.0
    heartbeat = Heartbeat(lambda: now_s)
    with heartbeat.storing():
        now_s += 5
        assert heartbeat.beat().storing
        now_s += 0.1
        assert not heartbeat.beat().storing
    assert heartbeat.beat().storing
