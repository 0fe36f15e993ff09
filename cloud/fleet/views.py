"""Areas and the whole place as an open map shows them. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

import msgspec

from cloud.http.views import View
from cloud.plans.forecast import Forecast, LevelChange
from cloud.state.views import LampCondition, LampView, lamp_condition
from protocols.cabinet import DeviceReading
from protocols.device_kinds import kind_of
from protocols.events import EventType
from protocols.inventory.model import Area, Gateway, Road
from protocols.lamp import LampReading

W_PER_KW = 1000

Bounds = tuple[float, float, float, float]
"""West, south, east, north."""


@dataclass(slots=True)
class Tally:
    """What the lamps of one area add up to."""

    active_power_w: float = 0.0
    conditions: Counter[LampCondition] = field(default_factory=Counter)

    def add(self, reading: LampReading | None, rated_power_w: float, alarms: Collection[EventType]) -> None:
        """Count one lamp; `reading` is None when nothing is known of it now."""
        self.conditions[lamp_condition(reading, rated_power_w, alarms)] += 1
        if reading is not None:
            self.active_power_w += reading.active_power_w or 0.0


class LampPage(View, frozen=True):
    """Lamps by id; `nextCursor` asks for the next page."""

    items: list[LampView]
    next_cursor: str | None


class AttributeValue(View, frozen=True):
    """The newest value of one attribute, by its TALQ name."""

    attribute: str
    value: float | int | bool | str | None
    unit: str
    time: datetime


class ProgramName(View, frozen=True):
    """The lighting program a lamp follows."""

    id: str
    name: str


class CalendarName(View, frozen=True):
    """The calendar that chooses a lamp's program of each night."""

    id: str
    name: str


class LampDetail(LampView, frozen=True):
    """A lamp with every value it reports and what it will do next; `program` is tonight's."""

    values: list[AttributeValue]
    calendar: CalendarName
    program: ProgramName
    next_change: LevelChange | None
    sunset: datetime | None
    sunrise: datetime | None


class AreaView(View, frozen=True):
    """An area with how many of its lamps stand how, and their power in kW."""

    id: str
    name: str
    latitude: float
    longitude: float
    total: int
    lit: int
    off: int
    fault: int
    unknown: int
    total_power: float


class AreaList(View, frozen=True):
    """Every area, by name."""

    items: list[AreaView]


class GatewayCount(View, frozen=True):
    """How many gateways there are, and how many are out of reach."""

    total: int
    offline: int


class Summary(View, frozen=True):
    """The whole place at a glance; power in kW, `center` and `bounds` in degrees, longitude first.

    While `ingest_online` is false, all this is as of `data_as_of`.
    """

    time: datetime
    speed: float
    time_zone: str
    total: int
    lit: int
    off: int
    fault: int
    unknown: int
    gateways: GatewayCount
    total_power: float
    expected_power: float
    center: tuple[float, float] | None
    bounds: tuple[float, float, float, float] | None
    ingest_online: bool
    data_as_of: datetime | None


class CabinetView(View, frozen=True):
    """A cabinet with every value of its newest reading; `unit` is its meter's Modbus address."""

    id: str
    line: int
    unit: int
    profile: str
    online: bool
    observed_at: datetime | None
    alarms: tuple[str, ...]
    values: list[AttributeValue]


class GatewayDetail(View, frozen=True):
    """A gateway as in lists, and the cabinets on its lines."""

    id: str
    area_id: str
    latitude: float
    longitude: float
    time_zone: str
    online: bool
    since: datetime | None
    lamps: int
    plan_hash: str | None
    plan_wanted: str
    plan_in_force: bool
    plan_problem: str
    alarms: tuple[str, ...]
    cabinets: list[CabinetView]


class GatewaySummary(View, frozen=True):
    """A gateway in a list; `plan_hash` is what it says it runs, None while it has not said anything.

    `plan_in_force` says whether that is the plan that is wanted, `plan_problem` why it refused one.
    """

    id: str
    area_id: str
    latitude: float
    longitude: float
    online: bool
    since: datetime | None
    lamps: int
    plan_hash: str | None
    plan_wanted: str
    plan_in_force: bool
    plan_problem: str


class GatewayPage(View, frozen=True):
    """Gateways by id; `nextCursor` asks for the next page."""

    items: list[GatewaySummary]
    next_cursor: str | None


class RoadProperties(View, frozen=True):
    """What a road is called and where it belongs."""

    name: str
    area_id: str


class LineString(View, frozen=True):
    """GeoJSON line of [longitude, latitude]."""

    coordinates: list[tuple[float, float]]
    type: Literal["LineString"] = "LineString"


class RoadFeature(View, frozen=True):
    """GeoJSON feature of one road."""

    geometry: LineString
    properties: RoadProperties
    type: Literal["Feature"] = "Feature"


class RoadCollection(View, frozen=True):
    """GeoJSON of every road."""

    features: list[RoadFeature]
    type: Literal["FeatureCollection"] = "FeatureCollection"


def area_view(area: Area, counted: Tally) -> AreaView:
    """An area with its tally."""
    return AreaView(
        id=area.id,
        name=area.name,
        latitude=area.latitude,
        longitude=area.longitude,
        total=counted.conditions.total(),
        lit=counted.conditions[LampCondition.LIT],
        off=counted.conditions[LampCondition.OFF],
        fault=counted.conditions[LampCondition.FAULT],
        unknown=counted.conditions[LampCondition.UNKNOWN],
        total_power=round(counted.active_power_w / W_PER_KW, 3),
    )


def center_of(bounds: Bounds | None) -> tuple[float, float] | None:
    """Longitude and latitude of the middle."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    return (west + east) / 2, (south + north) / 2


def main_time_zone(gateways: Iterable[Gateway]) -> str:
    """The time zone most gateways are in; UTC where there are none."""
    zones = Counter(gateway.time_zone for gateway in gateways)
    return zones.most_common(1)[0][0] if zones else "UTC"


def attribute_values(reading: DeviceReading | None) -> list[AttributeValue]:
    """Every value of a reading under its TALQ name."""
    if reading is None:
        return []
    known = {item.name: getattr(reading, item.name) for item in fields(reading)}
    return [
        AttributeValue(
            attribute=metric.attribute, value=known[metric.field], unit=metric.unit, time=reading.time
        )
        for metric in kind_of(reading).metrics
    ]


def road_collection(roads: Iterable[Road]) -> RoadCollection:
    """Roads as GeoJSON."""
    return RoadCollection(
        features=[
            RoadFeature(
                geometry=LineString(coordinates=road.points),
                properties=RoadProperties(name=road.name, area_id=road.area_id),
            )
            for road in roads
        ]
    )


def lamp_detail(
    view: LampView,
    reading: LampReading | None,
    outlook: Forecast,
) -> LampDetail:
    """A lamp's view with every value, its program and its next change."""
    return LampDetail(
        **msgspec.structs.asdict(view),
        values=attribute_values(reading),
        calendar=CalendarName(id=outlook.calendar.id, name=outlook.calendar.name),
        program=ProgramName(id=outlook.program.id, name=outlook.program.name),
        next_change=outlook.next_change,
        sunset=outlook.night.sunset,
        sunrise=outlook.night.sunrise,
    )
