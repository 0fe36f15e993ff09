"""An observer of an outbox made of functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.outbox import StoredRecord


@dataclass(frozen=True)
class CallingObserver:
    """Calls one function for each thing that happens to records in an outbox."""

    on_durable: Callable[[Sequence[StoredRecord]], object]
    on_corrected: Callable[[], object] = lambda: None
    on_damage: Callable[[str], object] = lambda _: None

    def records_durable(self, records: Sequence[StoredRecord], /) -> None:
        self.on_durable(records)

    def times_corrected(self) -> None:
        self.on_corrected()

    def damage_found(self, description: str, /) -> None:
        self.on_damage(description)
