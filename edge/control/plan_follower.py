"""Which lighting plan a gateway follows: received from the cloud or by offline transfer, and persisted."""

import asyncio
from collections.abc import Callable

import structlog

from edge.control.levels import Levels
from edge.storage.state import StateStore
from protocols.lighting.plan import LightingPlan, PlanError, decode_plan, plan_hash
from protocols.mapping import PlanState

log = structlog.get_logger(__name__)

_TRANSFER_CHECK_S = 60.0

_FROM_CLOUD = "the plan from the cloud"
_TRANSFERRED = "the transferred plan"
_STORED = "the stored plan"


class PlanFollower:
    """Puts each new plan in force. One that cannot be decoded leaves the plan before in force."""

    def __init__(self, gateway_id: str, store: StateStore, levels: Levels) -> None:
        self._gateway_id = gateway_id
        self._store = store
        self._levels = levels
        self.state = PlanState()
        """The hash of the document in force, and why the newest one was rejected, if it was."""
        self._inbox: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self._on_changed: list[Callable[[], None]] = []
        self._on_answer: list[Callable[[], None]] = []

    def add_observer(self, on_changed: Callable[[], None], on_answer: Callable[[], None]) -> None:
        """Call `on_changed` when another plan is in force, `on_answer` when one was accepted or rejected."""
        self._on_changed.append(on_changed)
        self._on_answer.append(on_answer)

    def submit(self, document: bytes, issued_ms: int = 0) -> None:
        """Take a plan from the cloud; `issued_ms`: its issue time in Unix ms, 0 if unknown."""
        self._inbox.put_nowait((document, issued_ms))

    async def start(self) -> None:
        """Put the stored plan in force, or one that was transferred since."""
        document = self._store.plan
        if document is not None and (plan := self._decode(document, _STORED)) is not None:
            self._levels.put_plan(plan)
            self.state = PlanState(plan_hash(document))
        await self._accept_transferred()

    async def run(self) -> None:
        """Accept what is submitted or transferred, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_TRANSFER_CHECK_S):
                    document, issued_ms = await self._inbox.get()
            except TimeoutError:
                await self._accept_transferred()
            else:
                await self._accept(document, _FROM_CLOUD, issued_ms)

    async def _accept_transferred(self) -> None:
        # Another process writes it into the store without a notification: look for it.
        document = await self._store.offered_plan()
        if document is not None:
            await self._accept(document, _TRANSFERRED)
            await self._store.remove_offer(document)

    async def _accept(self, document: bytes, source: str, issued_ms: int = 0) -> None:
        name = plan_hash(document)
        if name == self.state.hash:
            if self.state.problem:
                log.info("plan_reconfirmed", gateway=self._gateway_id, hash=name)
            self.state = PlanState(name)
        elif (plan := self._decode(document, source)) is not None:
            # Stored before it is in force: after a power cut the same plan is followed.
            await self._store.save_plan(document)
            self._levels.put_plan(plan)
            self.state = PlanState(name)
            log.info("plan_activated", gateway=self._gateway_id, source=source, hash=name)
            for changed in self._on_changed:
                changed()
        # A rejected plan leaves the issue time alone: the same one may be sent again, corrected.
        await self._store.save_plan_verdict(self.state.problem, 0 if self.state.problem else issued_ms)
        for answer in self._on_answer:
            answer()

    def _decode(self, document: bytes, source: str) -> LightingPlan | None:
        try:
            return decode_plan(document, source)
        except PlanError as error:
            if str(error) != self.state.problem:
                log.error("plan_rejected", gateway=self._gateway_id, error=str(error))  # noqa: TRY400
            self.state = PlanState(self.state.hash, str(error))
            return None
