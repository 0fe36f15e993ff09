"""The lighting plan a gateway follows: taken from the cloud or by hand, kept, and told of by its hash."""

import asyncio
from collections.abc import Callable

import structlog

from edge.control.levels import Levels
from edge.storage.state import StateStore
from protocols.lighting.plan import LightingPlan, PlanError, decode_plan, plan_hash
from protocols.mapping import PlanState

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 60.0

_FROM_CLOUD = "the plan from the cloud"
_BY_HAND = "the plan brought by hand"
_KEPT = "the plan kept"


class PlanFollower:
    """Takes up one plan after the other. One that cannot be followed leaves the one before in force."""

    def __init__(self, gateway_id: str, memory: StateStore, levels: Levels) -> None:
        self._name = gateway_id
        self._memory = memory
        self._levels = levels
        self._state = PlanState()
        self._inbox: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self._on_changed: list[Callable[[], None]] = []
        self._on_answer: list[Callable[[], None]] = []

    @property
    def state(self) -> PlanState:
        """The hash of the document in force, and why the newest one was refused."""
        return self._state

    def add_observer(self, on_changed: Callable[[], None], on_answer: Callable[[], None]) -> None:
        """Say when another plan is in force, and when one was taken or refused."""
        self._on_changed.append(on_changed)
        self._on_answer.append(on_answer)

    def submit(self, document: bytes, issued_ms: int = 0) -> None:
        """Take a plan from the cloud, which sent it then; 0 if it did not say."""
        self._inbox.put_nowait((document, issued_ms))

    async def start(self) -> None:
        """Follow the plan that was kept, or one that was brought since."""
        document = self._memory.plan
        if document is not None and (plan := self._read(document, _KEPT)) is not None:
            self._levels.put_plan(plan)
            self._state = PlanState(plan_hash(document))
        await self._look_for_one_brought()

    async def run(self) -> None:
        """Take what is submitted or brought by hand until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    document, issued_ms = await self._inbox.get()
            except TimeoutError:
                await self._look_for_one_brought()
            else:
                await self._take(document, _FROM_CLOUD, issued_ms)

    async def _look_for_one_brought(self) -> None:
        document = await self._memory.offered_plan()
        if document is not None:
            await self._take(document, _BY_HAND)
            await self._memory.remove_offer(document)

    async def _take(self, document: bytes, source: str, issued_ms: int = 0) -> None:
        name = plan_hash(document)
        if name == self._state.hash:
            if self._state.problem:
                log.info("the plan in force is wanted again", gateway=self._name, hash=name)
            self._state = PlanState(name)
        elif (plan := self._read(document, source)) is not None:
            await self._memory.save_plan(document)
            self._levels.put_plan(plan)
            self._state = PlanState(name)
            log.info("another lighting plan is in force", gateway=self._name, source=source, hash=name)
            for changed in self._on_changed:
                changed()
        await self._memory.save_plan_verdict(self._state.problem, 0 if self._state.problem else issued_ms)
        for answer in self._on_answer:
            answer()

    def _read(self, document: bytes, source: str) -> LightingPlan | None:
        try:
            return decode_plan(document, source)
        except PlanError as error:
            if str(error) != self._state.problem:
                log.error("lighting plan refused", gateway=self._name, why=str(error))  # noqa: TRY400
            self._state = PlanState(self._state.hash, str(error))
            return None
