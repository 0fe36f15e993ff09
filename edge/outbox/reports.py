"""What an outbox reports to the log: each failure once, and its end once."""

from collections.abc import Iterator

import structlog

from edge.outbox.recovery import RecoveryReport
from edge.outbox.retention import ROOM_TO_MAKE, Limit, is_over
from edge.outbox.tables import OutboxStatistics
from runtime.failure_reporter import FailureReporter

log = structlog.get_logger(__name__)

_ROOM_AGAIN = 0.9
"""Of its limit: between full and this nothing is reported, or each acknowledgement would be."""


class OutboxReporter:
    """Reports of one outbox."""

    def __init__(self) -> None:
        self.writing = FailureReporter(log, "outbox_unwritable", "outbox_writable")
        self.reading = FailureReporter(log, "outbox_unreadable", "outbox_readable")
        self._space = FailureReporter(log, "outbox_full", "outbox_has_room", level="warning")
        self._dropped = 0
        self._damaged_reported = False

    def written(self, pending: int) -> None:
        """Report that the file was written."""
        if self.writing.recovered(pending=pending, decimated=self._dropped):
            self._dropped = 0

    def dropped(self, count: int, pending: int) -> None:
        """Report that so many readings in memory were dropped for lack of room."""
        # Once for each failure of the disk; how many were dropped in all is logged at its end.
        if count and not self._dropped:
            log.error("pending_readings_decimated", pending=pending)
        self._dropped += count

    def held(self, holding: OutboxStatistics, limit: Limit) -> None:
        """Report when the outbox reaches its limit, and when it has room again."""
        if is_over(holding, limit, 1.0 - ROOM_TO_MAKE):
            self._space.failed("over its limit: older readings are decimated", holding=holding, limit=limit)
        elif not is_over(holding, limit, _ROOM_AGAIN):
            self._space.recovered(holding=holding)

    def damage(self, recovered: RecoveryReport | None, damaged: int) -> Iterator[str]:
        """Log what was lost, or may have been, and yield it in words for the cloud; `damaged` only once."""
        if recovered is not None:
            log.error(
                "outbox_damaged",
                saved=recovered.records,
                same_epoch=recovered.same_epoch,
                is_complete=recovered.is_complete,
            )
            # The cloud shows one event; what the operator can do depends on each of these.
            text = f"outbox damaged: {recovered.records} records saved, some may be lost"
            text += "" if recovered.is_complete else "; no room for the others"
            text += "" if recovered.same_epoch else "; sent in a new epoch: events may come twice"
            yield text
        if damaged and not self._damaged_reported:
            self._damaged_reported = True
            log.error("outbox_records_set_aside", damaged=damaged)
            yield f"outbox damaged: {damaged} records cannot be read and are set aside"
