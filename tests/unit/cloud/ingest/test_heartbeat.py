"""What an ingester says of itself."""

from datetime import UTC, datetime

from cloud.ingest.heartbeat import Heartbeat
from cloud.live.model import IngestView

NOON = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)


def test_it_knows_when_readings_were_stored_last() -> None:
    """Not before any were."""
    pulse = Heartbeat()
    assert pulse.beat() == IngestView(data_as_of=None, storing=True)
    pulse.stored(NOON)
    assert pulse.beat().data_as_of == NOON


def test_a_batch_that_is_not_taken_shows() -> None:
    """A store that hangs or refuses for five seconds takes nothing; when it is done, all is well."""
    now_s = 100.0
    pulse = Heartbeat(lambda: now_s)
    with pulse.storing():
        now_s += 5
        assert pulse.beat().storing
        now_s += 0.1
        assert not pulse.beat().storing
    assert pulse.beat().storing
