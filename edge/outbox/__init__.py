"""What a gateway has to tell and nobody has stored yet: `box.py` is the outbox, the others its parts."""

from edge.outbox.outbox import Outbox, StoredRecord
from edge.outbox.tables import Limit, OutboxStatistics
from protocols.transfer.records import Record

__all__ = ["Limit", "Outbox", "OutboxStatistics", "Record", "StoredRecord"]
