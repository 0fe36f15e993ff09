"""Sun times against an ephemeris, and what must hold on every day at every place."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sun import (
    CIVIL_DEG,
    HORIZON_DEG,
    PolarState,
    SunEvent,
    night_from,
    night_of,
    sun_altitude,
    sun_event,
)
from tests.conftest import shared_data

JAKARTA = ZoneInfo("Asia/Jakarta")
OSLO = ZoneInfo("Europe/Oslo")
TROMSO = (69.6492, 18.9553)
BANDUNG = (-7.03, 107.52)

DATES = st.dates(date(2000, 1, 1), date(2060, 12, 31))
INSTANTS = st.integers(946_684_800, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
LATITUDES = st.floats(-89, 89)
LONGITUDES = st.floats(-180, 180)
PLACES = st.tuples(LATITUDES, LONGITUDES)
ZONES = st.sampled_from(
    ["Asia/Jakarta", "Europe/Oslo", "America/Denver", "Pacific/Auckland", "Pacific/Kiritimati", "UTC"]
).map(ZoneInfo)
ALTITUDES = st.sampled_from([HORIZON_DEG, CIVIL_DEG, -12.0])


def test_events_are_within_ten_seconds_of_the_ephemeris() -> None:
    checked = 0
    table = shared_data("solar_reference_vectors.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines()):
        found = sun_event(
            float(row["lat"]),
            float(row["lon"]),
            date.fromisoformat(row["local_date"]),
            ZoneInfo(row["tz"]),
            SunEvent(row["kind"]),
            float(row["altitude_deg"]),
        )
        if row["utc"]:
            assert found is not None, row
            assert abs((found - datetime.fromisoformat(row["utc"])).total_seconds()) <= 10, row
        else:
            assert found is None, row
        checked += 1
    assert checked == 360


@pytest.mark.parametrize(
    ("place", "zone", "day", "rise", "sets"),
    [
        # Published times: Golden, Colorado (NREL), and the 40N 80W and 35S 0E cases of the NOAA tables.
        ((39.743, -105.178), "America/Denver", date(2015, 1, 2), "07:21:55", "16:47:43"),
        ((40.0, -80.0), "Etc/GMT+5", date(2000, 1, 1), "07:41:51", "17:05:04"),
        ((-35.0, 0.0), "UTC", date(1996, 7, 5), "07:08:15", "17:01:04"),
        ((-35.0, 0.0), "UTC", date(2004, 12, 4), "04:38:57", "19:02:03"),
    ],
)
def test_events_agree_with_published_times(
    place: tuple[float, float], zone: str, day: date, rise: str, sets: str
) -> None:
    for kind, expected in ((SunEvent.RISE, rise), (SunEvent.SET, sets)):
        found = sun_event(*place, day, ZoneInfo(zone), kind)
        assert found is not None
        wanted = datetime.combine(day, time.fromisoformat(expected), ZoneInfo(zone))
        assert abs((found - wanted).total_seconds()) <= 10


@given(PLACES, DATES, ZONES, st.sampled_from(SunEvent), ALTITUDES)
@settings(deadline=None)
def test_an_event_is_on_its_date_at_its_altitude_and_in_its_direction(
    place: tuple[float, float], day: date, zone: ZoneInfo, kind: SunEvent, altitude: float
) -> None:
    found = sun_event(*place, day, zone, kind, altitude)
    if found is None:
        return
    assert found.astimezone(zone).date() == day
    assert sun_altitude(*place, found) == pytest.approx(altitude, abs=0.005)
    earlier = sun_altitude(*place, found - timedelta(minutes=10))
    later = sun_altitude(*place, found + timedelta(minutes=10))
    # Where the sun grazes the altitude, it may turn back within the ten minutes.
    if abs(later - earlier) > 0.2:
        assert (later > earlier) is (kind is SunEvent.RISE)


@given(LATITUDES, LONGITUDES, DATES, st.sampled_from(SunEvent))
@settings(deadline=None)
def test_no_event_means_the_sun_did_not_cross(
    latitude: float, longitude: float, day: date, kind: SunEvent
) -> None:
    zone = ZoneInfo("UTC")
    if sun_event(latitude, longitude, day, zone, kind) is not None:
        return
    start = datetime.combine(day, time(), UTC)
    heights = [
        sun_altitude(latitude, longitude, start + timedelta(minutes=minute)) - HORIZON_DEG
        for minute in range(2, 24 * 60 - 1, 10)
    ]
    wanted = 1 if kind is SunEvent.RISE else -1
    # Shallow crossings within the equations' own error count as no sunrise.
    crossings = [
        (before, after)
        for before, after in pairwise(heights)
        if before * wanted < -0.02 and after * wanted > 0.02
    ]
    assert not crossings


@given(LATITUDES, LONGITUDES, ZONES, INSTANTS)
@settings(deadline=None)
def test_a_night_holds_its_instant_and_runs_in_order(
    latitude: float, longitude: float, zone: ZoneInfo, instant: datetime
) -> None:
    night = night_of(latitude, longitude, zone, instant)
    assert night.start_noon <= instant < night.end_noon
    assert night.start_noon.astimezone(zone).time() == time(12)
    assert night.start_noon.astimezone(zone).date() == night.date
    marks = [night.culmination, night.sunset, night.sunrise, night.next_culmination]
    known = [mark for mark in marks if mark is not None]
    assert known == sorted(known)
    assert (night.polar is None) is (night.sunset is not None or night.sunrise is not None)
    length = night.next_culmination - night.culmination
    assert timedelta(hours=23, minutes=59) < length < timedelta(hours=24, minutes=1)


@given(LATITUDES, LONGITUDES, DATES)
@settings(deadline=None)
def test_polar_says_where_the_sun_is_all_night(latitude: float, longitude: float, day: date) -> None:
    night = night_from(latitude, longitude, ZoneInfo("UTC"), day)
    if night.polar is None:
        return
    span = night.next_culmination - night.culmination
    heights = [sun_altitude(latitude, longitude, night.culmination + span * part / 24) for part in range(25)]
    if night.polar is PolarState.DAY:
        assert min(heights) > HORIZON_DEG - 0.05
    else:
        assert max(heights) < HORIZON_DEG + 0.05


def test_consecutive_nights_meet() -> None:
    first = night_from(*BANDUNG, JAKARTA, date(2026, 11, 24))
    second = night_from(*BANDUNG, JAKARTA, date(2026, 11, 25))
    assert first.end_noon == second.start_noon
    assert abs(first.next_culmination - second.culmination) <= timedelta(seconds=1)


def test_polar_day_and_polar_night_are_answers() -> None:
    assert night_from(*TROMSO, OSLO, date(2026, 6, 21)).polar is PolarState.DAY
    assert night_from(*TROMSO, OSLO, date(2026, 12, 21)).polar is PolarState.NIGHT
    ordinary = night_from(*TROMSO, OSLO, date(2026, 3, 20))
    assert ordinary.polar is None
    assert ordinary.sunset is not None
    assert ordinary.sunrise is not None


def test_a_year_at_the_polar_circle_passes_through_every_kind_of_night() -> None:
    nights = [night_from(*TROMSO, OSLO, date(2026, 1, 1) + timedelta(days=day)) for day in range(365)]
    kinds = {(night.sunset is not None, night.sunrise is not None, night.polar) for night in nights}
    assert {(True, True, None), (False, False, PolarState.DAY), (False, False, PolarState.NIGHT)} <= kinds
    polar_days = sum(night.polar is PolarState.DAY for night in nights)
    polar_nights = sum(night.polar is PolarState.NIGHT for night in nights)
    assert 60 < polar_days < 75  # 20 May to 22 July
    assert 40 < polar_nights < 55  # 27 November to 15 January


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25)])
def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    night = night_from(51.5, -0.13, ZoneInfo("Europe/London"), day)
    assert night.end_noon - night.start_noon == timedelta(hours=hours)
    assert night.sunset is not None
    assert night.sunrise is not None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Jakarta", "America/Los_Angeles"])
def test_a_clock_that_does_not_fit_the_place_still_gives_sunset_before_sunrise(zone: str) -> None:
    night = night_of(*BANDUNG, ZoneInfo(zone), datetime(2026, 11, 24, 17, tzinfo=UTC))
    assert night.sunset is not None
    assert night.sunrise is not None
    assert timedelta(hours=11) < night.sunrise - night.sunset < timedelta(hours=13)


def test_the_sun_stands_where_the_published_example_says() -> None:
    """NREL/TP-560-34302: zenith 50.11 degrees (topocentric, refracted) at 2003-10-17 12:30:30 MST."""
    altitude = sun_altitude(39.742476, -105.1786, datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC))
    assert altitude == pytest.approx(90 - 50.11162, abs=0.03)
