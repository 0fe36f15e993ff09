"""The desired plan resolved over the inventory: each lamp's calendar and level, each gateway's document.

Pure. Results are cached: the same ones are needed many times between two changes of the plan.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cloud.plans.model import DesiredPlan, Precedence, plan_of_gateway
from protocols.inventory.model import Gateway, Inventory, Lamp
from protocols.lighting.plan import DEFAULT_PLAN, LightingPlan, encode_plan, levels_of_nights, plan_hash
from protocols.lighting.program import LevelPlan, Place

_NIGHTS = 9  # two back, because an instant in the small hours belongs to the night before, and a week ahead

BUILT_IN_HASH = plan_hash(encode_plan(DEFAULT_PLAN))


@dataclass(frozen=True, slots=True)
class WantedDocument:
    """The plan document a gateway should run, and its hash."""

    document: bytes
    hash: str

    def is_in_force(self, reported: str | None) -> bool:
        """Return whether a gateway that reports this hash runs it; the empty hash is the built-in plan's."""
        return reported == self.hash or (reported == "" and self.hash == BUILT_IN_HASH)


@dataclass(frozen=True, slots=True)
class LampCount:
    """How many lamps of a gateway follow the same calendar, and their rated power together."""

    gateway_id: str
    calendar_id: str
    lamps: int
    rated_power_w: float


@dataclass(frozen=True, slots=True)
class ResolvedPlan:
    """The plan applied to an inventory; lamps follow the sun at their gateway, as the gateway itself does."""

    desired: DesiredPlan
    gateways: Mapping[str, Gateway]
    lamps: Mapping[str, Lamp]
    area_ids: frozenset[str]
    _lamps_of: Mapping[str, list[Lamp]]
    _precedence: Precedence
    calendar_plan: LightingPlan
    """Every program and calendar as one plan, without assignments."""
    _cohorts: list[LampCount] = field(default_factory=list)
    _levels: dict[tuple[str, str], LevelPlan] = field(default_factory=dict)
    _documents: dict[str, WantedDocument] = field(default_factory=dict)

    def calendar_of(self, lamp: Lamp) -> str:
        """Return the id of the calendar that a lamp follows."""
        return self._precedence.calendar_of(lamp)

    def place_of(self, gateway_id: str) -> Place:
        """Return the place whose sun and time zone the lamps of a gateway follow."""
        gateway = self.gateways[gateway_id]
        return Place(gateway.latitude, gateway.longitude, ZoneInfo(gateway.time_zone))

    def cohorts(self) -> list[LampCount]:
        """Return all lamps counted by gateway and calendar."""
        if not self._cohorts:
            counted: dict[tuple[str, str], list[float]] = defaultdict(list)
            for lamp in self.lamps.values():
                counted[lamp.gateway_id, self.calendar_of(lamp)].append(lamp.rated_power_w)
            self._cohorts.extend(LampCount(*key, len(rated), sum(rated)) for key, rated in counted.items())
        return self._cohorts

    def levels(self, calendar_id: str, gateway_id: str, instant: datetime) -> LevelPlan:
        """Return the levels by a calendar at a gateway around an instant, at least from the night before."""
        key = (calendar_id, gateway_id)
        known = self._levels.get(key)
        if known is None or not known.times[0] <= instant < known.end:
            known = self.levels_at(calendar_id, self.place_of(gateway_id), instant)
            self._levels[key] = known
        return known

    def levels_at(self, calendar_id: str, place: Place, instant: datetime) -> LevelPlan:
        """Return the levels at any place, from two nights before the instant to a week after it."""
        first = instant.astimezone(place.time_zone).date() - timedelta(days=2)
        return levels_of_nights(self.calendar_plan, calendar_id, place, first, _NIGHTS)

    def expected_power_w(self, instant: datetime) -> float:
        """Return the power of all lamps together at their planned levels."""
        return sum(
            cohort.rated_power_w
            * self.levels(cohort.calendar_id, cohort.gateway_id, instant).at(instant).level_percent
            / 100
            for cohort in self.cohorts()
        )

    def lamps_by_calendar(self) -> dict[str, int]:
        """Return the number of lamps by calendar."""
        counted: dict[str, int] = defaultdict(int)
        for cohort in self.cohorts():
            counted[cohort.calendar_id] += cohort.lamps
        return counted

    def gateway_plan(self, gateway_id: str) -> WantedDocument:
        """Return the document a gateway should run.

        Raises:
            KeyError: the gateway is not in the inventory.
        """
        known = self._documents.get(gateway_id)
        if known is None:
            gateway, lamps = self.gateways[gateway_id], self._lamps_of.get(gateway_id, [])
            document = encode_plan(plan_of_gateway(self.desired, gateway, lamps, self._precedence))
            known = self._documents[gateway_id] = WantedDocument(document, plan_hash(document))
        return known

    def document_for(self, gateway_id: str) -> bytes:
        """Return the document a gateway should run; the built-in plan's for an unknown gateway."""
        if gateway_id in self.gateways:
            return self.gateway_plan(gateway_id).document
        return encode_plan(DEFAULT_PLAN)

    def documents(self) -> Iterator[tuple[Gateway, WantedDocument]]:
        """Yield every gateway with the document it should run."""
        for gateway_id, gateway in self.gateways.items():
            yield gateway, self.gateway_plan(gateway_id)

    def with_plan(self, desired: DesiredPlan) -> "ResolvedPlan":
        """Resolve another plan over the same inventory."""
        return _resolved(desired, self.gateways, self.lamps, self.area_ids, self._lamps_of)


def resolve_plan(desired: DesiredPlan, inventory: Inventory) -> ResolvedPlan:
    """Resolve the desired plan over an inventory."""
    lamps_of: dict[str, list[Lamp]] = defaultdict(list)
    for lamp in inventory.lamps:
        lamps_of[lamp.gateway_id].append(lamp)
    gateways = {gateway.id: gateway for gateway in inventory.gateways}
    lamps = {lamp.id: lamp for lamp in inventory.lamps}
    return _resolved(desired, gateways, lamps, frozenset(area.id for area in inventory.areas), dict(lamps_of))


def _resolved(
    desired: DesiredPlan,
    gateways: Mapping[str, Gateway],
    lamps: Mapping[str, Lamp],
    area_ids: frozenset[str],
    lamps_of: Mapping[str, list[Lamp]],
) -> ResolvedPlan:
    programs, calendars = desired.all_programs(), desired.all_calendars()
    plan = LightingPlan(tuple(programs.values()), tuple(calendars.values()))
    return ResolvedPlan(desired, gateways, lamps, area_ids, lamps_of, desired.precedence(), plan)
