"""What a program says of an instant: nights, clock changes, polar seasons, and what holds for all."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.lamp import Reason
from protocols.lighting.program import (
    ASTRO_DEFAULT,
    LightingProgram,
    Place,
    SwitchPoint,
    levels_of_night,
    local_instant,
)
from protocols.sun import PolarState, night_from, night_of
from tests.support.levels import level_at, plan_nights

SOREANG = Place(-7.03, 107.52, ZoneInfo("Asia/Jakarta"))
LONDON = Place(51.5074, -0.1278, ZoneInfo("Europe/London"))
TROMSO = Place(69.6492, 18.9553, ZoneInfo("Europe/Oslo"))
MURMANSK = Place(68.97, 33.09, ZoneInfo("Europe/Moscow"))
BANDUNG_ON_UTC = Place(-7.03, 107.52, ZoneInfo("UTC"))

PLACES = st.sampled_from([SOREANG, LONDON, TROMSO, MURMANSK, BANDUNG_ON_UTC])
TIMES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
PROGRAMS = st.builds(
    LightingProgram,
    id=st.just("p"),
    name=st.just("P"),
    sunset_offset_min=st.integers(-180, 180),
    sunrise_offset_min=st.integers(-180, 180),
    initial_level_percent=st.integers(0, 100),
    switch_points=st.lists(
        st.builds(SwitchPoint, TIMES, st.integers(0, 100)),
        max_size=5,
        unique_by=lambda point: point.local_time,
    ).map(tuple),
)
INSTANTS = st.integers(1_735_689_600, 1_893_456_000).map(lambda second: datetime.fromtimestamp(second, UTC))


def at(place: Place, day: date, clock: str, program: LightingProgram = ASTRO_DEFAULT) -> int:
    instant = datetime.combine(day, time.fromisoformat(clock), place.time_zone)
    return level_at(program, place, instant).level_percent


def test_a_night_in_soreang_by_the_default_program() -> None:
    day = date(2026, 11, 24)
    levels = {
        clock: at(SOREANG, day, clock) for clock in ("04:00", "12:00", "17:40", "18:00", "22:59", "23:00")
    }
    assert levels == {"04:00": 50, "12:00": 0, "17:40": 0, "18:00": 100, "22:59": 100, "23:00": 50}
    night = night_of(
        SOREANG.latitude, SOREANG.longitude, SOREANG.time_zone, datetime(2026, 11, 24, 12, tzinfo=UTC)
    )
    assert night.sunset is not None
    assert night.sunrise is not None
    assert levels_of_night(ASTRO_DEFAULT, SOREANG, night) == [
        (night.start_noon, 0),
        (night.sunset, 100),
        (datetime(2026, 11, 24, 16, tzinfo=UTC), 50),
        (night.sunrise, 0),
    ]


def test_a_decision_says_why_since_when_and_until_when() -> None:
    decision = level_at(ASTRO_DEFAULT, SOREANG, datetime(2026, 11, 24, 15, tzinfo=UTC))
    assert decision.reason is Reason.PROGRAM
    assert decision.since == datetime(2026, 11, 24, 10, 50, 48, tzinfo=UTC)
    assert decision.until == datetime(2026, 11, 24, 16, tzinfo=UTC)


def test_offsets_move_on_and_off() -> None:
    early = LightingProgram("p", "P", sunset_offset_min=-15, sunrise_offset_min=20)
    night = night_from(SOREANG.latitude, SOREANG.longitude, SOREANG.time_zone, date(2026, 11, 24))
    assert night.sunset is not None
    assert night.sunrise is not None
    assert levels_of_night(early, SOREANG, night)[1:] == [
        (night.sunset - timedelta(minutes=15), 100),
        (night.sunrise + timedelta(minutes=20), 0),
    ]


def test_offsets_that_leave_nothing_of_a_short_night_leave_it_dark() -> None:
    late = LightingProgram("p", "P", sunset_offset_min=240, sunrise_offset_min=-240)
    night = night_from(LONDON.latitude, LONDON.longitude, LONDON.time_zone, date(2026, 6, 21))
    assert levels_of_night(late, LONDON, night) == [(night.start_noon, 0)]


def test_a_switch_point_before_sunset_decides_the_first_level() -> None:
    program = LightingProgram("p", "P", switch_points=(SwitchPoint(time(17), 70), SwitchPoint(time(5), 80)))
    assert at(SOREANG, date(2026, 11, 24), "18:00", program) == 70
    assert at(SOREANG, date(2026, 11, 25), "04:59", program) == 70
    assert at(SOREANG, date(2026, 11, 25), "05:00", program) == 80


def test_switch_points_may_turn_the_lamp_off_and_on_within_the_night() -> None:
    program = LightingProgram("p", "P", switch_points=(SwitchPoint(time(1), 0), SwitchPoint(time(4), 60)))
    clocks = ("00:59", "01:00", "03:59", "04:00")
    assert [at(SOREANG, date(2026, 11, 25), clock, program) for clock in clocks] == [100, 0, 0, 60]


def test_switch_points_go_by_local_time_when_clocks_change() -> None:
    """London, 29 March 2026: 01:00 to 02:00 does not exist; 25 October 2026: it comes twice."""
    program = LightingProgram(
        "p", "P", switch_points=(SwitchPoint(time(1, 30), 40), SwitchPoint(time(2), 30))
    )
    assert [
        level_at(program, LONDON, datetime(2026, 3, 29, hour, minute, tzinfo=UTC)).level_percent
        for hour, minute in ((0, 59), (1, 0), (1, 30))
    ] == [100, 30, 30]
    assert [
        level_at(program, LONDON, datetime(2026, 10, 25, hour, minute, tzinfo=UTC)).level_percent
        for hour, minute in ((0, 29), (0, 30), (1, 30), (2, 0))
    ] == [100, 40, 40, 30]


@pytest.mark.parametrize(
    ("day", "clock", "zone", "instant"),
    [
        (date(2026, 3, 29), "01:30", "Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 3, 29), "02:00", "Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 10, 25), "01:30", "Europe/London", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 9, 6), "00:30", "America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        (date(2026, 10, 4), "02:15", "Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        (date(2026, 11, 24), "23:00", "Asia/Jakarta", datetime(2026, 11, 24, 16, tzinfo=UTC)),
    ],
)
def test_a_skipped_time_is_the_moment_it_is_skipped(
    day: date, clock: str, zone: str, instant: datetime
) -> None:
    assert local_instant(day, time.fromisoformat(clock), ZoneInfo(zone)) == instant


def test_polar_day_is_dark_and_polar_night_is_lit() -> None:
    assert {at(TROMSO, date(2026, 6, 21), f"{hour:02}:00") for hour in range(24)} == {0}
    levels = [at(TROMSO, date(2026, 12, 21), f"{hour:02}:00") for hour in range(24)]
    assert set(levels) == {50, 100}
    assert levels[22] == 100
    assert levels[23] == levels[3] == 50


def test_on_polar_days_the_answer_comes_with_a_time_to_ask_again() -> None:
    instant = datetime(2026, 6, 21, tzinfo=UTC)
    decision = level_at(ASTRO_DEFAULT, TROMSO, instant)
    assert decision.level_percent == 0
    assert instant < decision.until <= instant + timedelta(days=3)


def test_the_first_night_after_polar_day_is_lit_and_the_last_day_before_polar_night_is_dark() -> None:
    nights = [
        night_from(
            TROMSO.latitude, TROMSO.longitude, TROMSO.time_zone, date(2026, 1, 1) + timedelta(days=day)
        )
        for day in range(365)
    ]
    for night, following in pairwise(nights):
        middle = night.culmination + (night.next_culmination - night.culmination) / 2
        lit = level_at(LightingProgram("p", "P"), TROMSO, middle).level_percent
        assert lit == (0 if night.polar is PolarState.DAY else 100), night
        if following.sunset is not None:
            just_before = following.sunset - timedelta(seconds=1)
            assert level_at(LightingProgram("p", "P"), TROMSO, just_before).level_percent == 0, following


def test_a_place_whose_clock_does_not_fit_it_is_lit_when_it_is_dark() -> None:
    for hour in range(24):
        instant = datetime(2026, 11, 24, hour, tzinfo=UTC)
        program = LightingProgram("p", "P")
        expected = level_at(program, SOREANG, instant).level_percent
        assert level_at(program, BANDUNG_ON_UTC, instant).level_percent == expected


@given(PROGRAMS, PLACES, INSTANTS)
@settings(deadline=None)
def test_a_decision_holds_until_it_says_and_no_longer(
    program: LightingProgram, place: Place, instant: datetime
) -> None:
    decision = level_at(program, place, instant)
    assert decision.since <= instant < decision.until
    for within in (decision.since, decision.until - timedelta(microseconds=1)):
        assert level_at(program, place, within).level_percent == decision.level_percent
    following = level_at(program, place, decision.until)
    assert following.level_percent != decision.level_percent or decision.until - instant > timedelta(days=1)


@given(PROGRAMS, PLACES, st.dates(date(2025, 1, 2), date(2029, 12, 30)))
@settings(deadline=None)
def test_the_levels_of_a_night_are_what_every_instant_says(
    program: LightingProgram, place: Place, day: date
) -> None:
    night = night_from(place.latitude, place.longitude, place.time_zone, day)
    levels = levels_of_night(program, place, night)
    times = [instant for instant, _ in levels]
    assert times[0] == night.start_noon
    assert times == sorted(set(times))
    assert all(before != after for (_, before), (_, after) in pairwise(levels))
    for (instant, level), (following, _) in pairwise([*levels, (night.end_noon, -1)]):
        for within in (instant, instant + (following - instant) / 2):
            assert level_at(program, place, within).level_percent == level


@given(PROGRAMS, PLACES, st.dates(date(2025, 1, 2), date(2029, 12, 30)), st.integers(1, 10))
@settings(deadline=None)
def test_a_plan_in_one_piece_is_the_plan_of_its_nights(
    program: LightingProgram, place: Place, first: date, nights: int
) -> None:
    plan = plan_nights(program, place, first, nights)
    assert list(plan.times) == sorted(set(plan.times))
    assert set(plan.levels) <= {0, program.initial_level_percent} | {
        point.level_percent for point in program.switch_points
    }
    for instant, level in zip(plan.times, plan.levels, strict=True):
        assert level_at(program, place, instant).level_percent == level


def test_a_plan_does_not_answer_for_times_outside_it() -> None:
    plan = plan_nights(ASTRO_DEFAULT, SOREANG, date(2026, 11, 24), 1)
    for outside in (plan.times[0] - timedelta(seconds=1), plan.end):
        with pytest.raises(ValueError, match="expected 2026-11-24"):
            plan.at(outside)
