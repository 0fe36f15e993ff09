"""Records on disk until the cloud has stored them."""

from edge.outbox.outbox import Outbox, StoredRecord
from edge.outbox.ports import RecordSink
from edge.outbox.tables import Limit, OutboxStatistics
from protocols.transfer.records import Record

__all__ = ["Limit", "Outbox", "OutboxStatistics", "Record", "RecordSink", "StoredRecord"]
