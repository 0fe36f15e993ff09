"""What a gateway has to tell and nobody has stored yet: `box.py` is the outbox, the others its parts."""

from edge.outbox.box import Outbox, StoredRecord
from edge.outbox.shelf import Holding, Limit
from protocols.records import Record

__all__ = ["Holding", "Limit", "Outbox", "Record", "StoredRecord"]
