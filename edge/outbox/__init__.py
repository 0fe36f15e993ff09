"""Records on disk until the cloud has stored them."""

from edge.outbox.outbox import Outbox
from edge.outbox.ports import OutboxObserver, RecordSink
from edge.outbox.retention import Limit
from edge.outbox.tables import OutboxStatistics, StoredRecord
from protocols.transfer.records import Record

__all__ = ["Limit", "Outbox", "OutboxObserver", "OutboxStatistics", "Record", "RecordSink", "StoredRecord"]
