"""The lighting plan in force: the desired plan resolved over the inventory, reloaded after each change."""

import threading
from collections.abc import Callable

from cloud.plans.resolved import ResolvedPlan, resolve_plan
from cloud.plans.store import PlanStore
from protocols.inventory.model import Inventory


class PlanInForce:
    """Caches the resolved plan. Calls read the database, only the revision where nothing has changed.

    Each call raises PlanUnreadableError where the stored plan is invalid, and DBAPIError while the database
    can't be reached.
    """

    def __init__(self, store: PlanStore, load_inventory: Callable[[], Inventory]) -> None:
        self._store = store
        self._load_inventory = load_inventory
        self._reading = threading.Lock()
        self._newest: tuple[int, ResolvedPlan] | None = None

    def current(self) -> ResolvedPlan:
        """Return the plan as it is now."""
        return self.newest()[1]

    def newest(self) -> tuple[int, ResolvedPlan]:
        """Return the revision of the plan as it is now, and the plan."""
        with self._reading:
            revision = self._store.revision()
            while self._newest is None or self._newest[0] != revision:
                desired, inventory = self._store.load(), self._load_inventory()
                read, revision = revision, self._store.revision()
                if read == revision:  # else a change in between may have been read in part
                    self._newest = (revision, resolve_plan(desired, inventory))
            return self._newest
