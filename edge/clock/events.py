"""What is told, and what is kept, of the time a gateway goes by."""

import asyncio
from collections.abc import Callable

from edge.clock.timekeeper import SEEN_EVERY_S, Basis, Timekeeper
from edge.outbox import Outbox
from edge.storage.state import StateStore
from protocols.events import DeviceEvent, EventType


class ClockEventReporter:
    """Tells the cloud of a time that is not known or in doubt, and of the end of that."""

    def __init__(self, gateway_id: str, keeper: Timekeeper, outbox: Outbox) -> None:
        self._gateway_id = gateway_id
        self._keeper = keeper
        self._outbox = outbox

    def started(self, default_level_percent: int) -> None:
        """Say that the time is not known; that it is, says `are_right`."""
        if not self._keeper.is_known:
            level = f"lamps at {default_level_percent} %"
            self._tell(
                f"clock not set or wrong: {level}, times are put right later", active=True, timed=False
            )

    def are_right(self) -> None:
        """Times of before, of this start or an earlier one, have been put right."""
        self._tell("time known, provisional times put right", active=False)

    def doubted(self, ask: Callable[[], object], why: str | None) -> None:
        """The clock contradicts itself or the cloud, or with None does so no longer; `ask` asks the cloud."""
        self._tell(why or "time is sure again", active=why is not None)
        if self._keeper.basis is Basis.OWN:
            ask()

    def _tell(self, info: str, *, active: bool, timed: bool = True) -> None:
        kind, now = EventType.LAST_SYNC_ERROR, self._keeper.now()
        self._outbox.append(DeviceEvent(self._gateway_id, kind, now, active, info), timed=timed)


async def keep_time(keeper: Timekeeper, memory: StateStore) -> None:
    """Keep the present time now and then for the next start, until cancelled."""
    while True:
        await memory.save_time(keeper.now(), is_known=keeper.is_known)
        await asyncio.sleep(SEEN_EVERY_S)
