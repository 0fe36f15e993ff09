"""Named ports of the outbox: what hands it records, and what observes them."""

from collections.abc import Sequence
from typing import Protocol

from edge.outbox.tables import StoredRecord
from protocols.transfer.records import Record


class RecordSink(Protocol):
    """Takes readings, events and command results to deliver to the cloud: `Outbox`, or a list in tests."""

    def append(self, record: Record, /) -> None:
        """Take one record, without waiting for it to be on disk."""
        ...


class OutboxObserver(Protocol):
    """Acts on what happens to records in the outbox; called on the event loop, so it must not block."""

    def records_durable(self, records: Sequence[StoredRecord], /) -> None:
        """Take records that are on disk and may be sent, in their order."""
        ...

    def times_corrected(self) -> None:
        """Take note that provisional times were corrected, so that more records may be sent."""
        ...

    def damage_found(self, description: str, /) -> None:
        """Take a description of what a damaged file lost, or may have lost; once for each damage."""
        ...
