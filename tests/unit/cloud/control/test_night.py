"""The night strip's actual level and TALQ's shape of a program."""

from datetime import UTC, datetime, time

from cloud.control.night import mean_levels, talq_program
from cloud.telemetry.store import Series
from protocols.lighting.program import LightingProgram, SwitchPoint

QUARTER_MS = 15 * 60 * 1000


def _series(*points: tuple[int, float]) -> Series:
    return Series("actualLightState", "%", list(points))


def test_the_mean_goes_by_quarters_of_an_hour() -> None:
    """Lamps are read at different instants; a quarter without a reading is left out."""
    levels = mean_levels([_series((0, 100.0), (QUARTER_MS * 2 + 1, 50.0)), _series((QUARTER_MS - 1, 90.0))])
    assert [(level.time, level.level) for level in levels] == [
        (datetime(1970, 1, 1, tzinfo=UTC), 95.0),
        (datetime(1970, 1, 1, 0, 30, tzinfo=UTC), 50.0),
    ]


def test_no_readings_no_levels() -> None:
    """An empty night has no actual level, not zero."""
    assert mean_levels([_series()]) == []


def test_a_program_as_talq_writes_it() -> None:
    """Offsets in minutes, switch points in local time."""
    program = LightingProgram("p", "Jalan utama", -10, 5, 80, (SwitchPoint(time(23, 30), 30),))
    talq = talq_program(program)
    assert (talq.type, talq.initial_level) == ("ControlProgramOne", 80)
    assert (talq.active_periods[0].sunset_offset, talq.active_periods[0].sunrise_offset) == (-10, 5)
    assert talq.fixed_time_controls[0].start_time == "23:30:00"
    assert talq.fixed_time_controls[0].command.state.value == 30
