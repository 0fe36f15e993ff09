"""Ports of the outbox: where records are appended, and what observes them."""

from collections.abc import Sequence
from typing import Protocol

from edge.outbox.tables import StoredRecord
from protocols.transfer.records import Record


class RecordSink(Protocol):
    """Takes readings, events and command results to deliver to the cloud: `Outbox`, or a list in tests."""

    def append(self, record: Record, /) -> None:
        """Take one record to deliver, without waiting for it to be on disk.

        Called on the event loop: it neither blocks nor raises. A record is sent to the cloud only once it is
        durable, and kept until the cloud has acknowledged it.
        """
        ...


class OutboxObserver(Protocol):
    """Acts on what happens to records in the outbox; called on the event loop, so it must not block."""

    def records_durable(self, records: Sequence[StoredRecord], /) -> None:
        """Take records that are on disk and may be sent, in the order of their positions.

        Each record comes once, after the commit that made it durable; those of earlier runs, and those whose
        time was provisional, are read back with `Outbox.backlog`.
        """
        ...

    def times_corrected(self) -> None:
        """Read the backlog again: provisional times were corrected, so more records may be sent."""
        ...

    def damage_found(self, description: str, /) -> None:
        """Report to the cloud what a damaged file lost, or may have lost; called once for each damage."""
        ...
