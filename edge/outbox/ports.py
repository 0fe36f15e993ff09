"""Named ports of the outbox, for those who hand it records."""

from typing import Protocol

from protocols.transfer.records import Record


class RecordSink(Protocol):
    """Takes readings, events and command results to deliver to the cloud: `Outbox`, or a list in tests."""

    def append(self, record: Record, /) -> None:
        """Take one record, without waiting for it to be on disk."""
        ...
