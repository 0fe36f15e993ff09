"""Lamps, gateways, areas, roads and the summary as the API shows them. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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
    """The lamps of one area added up."""

    active_power_w: float = 0.0
    conditions: Counter[LampCondition] = field(default_factory=Counter)

    def add(self, reading: LampReading | None, rated_power_w: float, alarms: Collection[EventType]) -> None:
        """Count one lamp; `reading` is None while its state is unknown."""
        self.conditions[lamp_condition(reading, rated_power_w, alarms)] += 1
        if reading is not None:
            self.active_power_w += reading.active_power_w or 0.0


class LampPage(View, frozen=True):
    """Lamps by id; `nextCursor` is the cursor of the next page, null on the last."""

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
    """A lamp with every value it reports and its next change of level; `program` is tonight's."""

    values: list[AttributeValue]
    calendar: CalendarName
    program: ProgramName
    next_change: LevelChange | None
    sunset: datetime | None
    sunrise: datetime | None


class AreaView(View, frozen=True):
    """An area with its lamps by condition, and their power in kW."""

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
    """The number of gateways, and how many of them are offline."""

    total: int
    offline: int


class Summary(View, frozen=True):
    """Counts of the whole place; power in kW, `center` and `bounds` in degrees, longitude first.

    While `ingestOnline` is false, the state of lamps and gateways is as of `dataAsOf`.
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
    alarms: tuple[EventType, ...]
    values: list[AttributeValue]


class GatewayDetail(View, frozen=True):
    """A gateway as in lists, with the cabinets on its lines."""

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
    alarms: tuple[EventType, ...]
    cabinets: list[CabinetView]


class GatewaySummary(View, frozen=True):
    """A gateway in a list; `planHash` is the plan it reports, null while it has not reported any.

    `planInForce` is true where that is the desired plan; `planProblem` is why the gateway refused a plan.
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
    """Gateways by id; `nextCursor` is the cursor of the next page, null on the last."""

    items: list[GatewaySummary]
    next_cursor: str | None


class RoadProperties(View, frozen=True):
    """The name of a road and its area."""

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


def area_views(areas: Iterable[Area], tallies: Mapping[str, Tally]) -> list[AreaView]:
    """Return areas with their lamps by condition."""
    views = []
    for area in areas:
        tally = tallies.get(area.id, Tally())
        views.append(
            AreaView(
                id=area.id,
                name=area.name,
                latitude=area.latitude,
                longitude=area.longitude,
                total=tally.conditions.total(),
                lit=tally.conditions[LampCondition.LIT],
                off=tally.conditions[LampCondition.OFF],
                fault=tally.conditions[LampCondition.FAULT],
                unknown=tally.conditions[LampCondition.UNKNOWN],
                total_power=round(tally.active_power_w / W_PER_KW, 3),
            )
        )
    return views


def center_of(bounds: Bounds | None) -> tuple[float, float] | None:
    """Return longitude and latitude, in degrees, of the middle; None without bounds."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    return (west + east) / 2, (south + north) / 2


def main_time_zone(gateways: Iterable[Gateway]) -> str:
    """Return the time zone that most gateways are in; UTC where there are none."""
    zones = Counter(gateway.time_zone for gateway in gateways)
    return zones.most_common(1)[0][0] if zones else "UTC"


def attribute_values(reading: DeviceReading | None) -> list[AttributeValue]:
    """Return every value of a reading under its TALQ name."""
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
    """Return roads as GeoJSON."""
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
    forecast: Forecast,
) -> LampDetail:
    """Return a lamp's view with every value, its program and its next change."""
    return LampDetail(
        **msgspec.structs.asdict(view),
        values=attribute_values(reading),
        calendar=CalendarName(id=forecast.calendar.id, name=forecast.calendar.name),
        program=ProgramName(id=forecast.program.id, name=forecast.program.name),
        next_change=forecast.next_change,
        sunset=forecast.night.sunset,
        sunrise=forecast.night.sunrise,
    )
