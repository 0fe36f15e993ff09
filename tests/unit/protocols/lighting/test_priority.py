"""An override goes before the program, the program before the default, and each says until when."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from protocols.lamp import LightCommand, Reason
from protocols.lighting.priority import EffectiveLevel, Override, effective_level, override_from
from protocols.lighting.program import LevelDecision

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PROGRAM = LevelDecision(100, Reason.PROGRAM, NOW - HOUR, NOW + 3 * HOUR)


@pytest.mark.parametrize(
    ("override", "program", "expected"),
    [
        (None, None, EffectiveLevel(80, Reason.DEFAULT, None)),
        (None, PROGRAM, EffectiveLevel(100, Reason.PROGRAM, NOW + 3 * HOUR)),
        (Override("c", 30, NOW - HOUR, NOW + HOUR), PROGRAM, EffectiveLevel(30, Reason.OVERRIDE, NOW + HOUR)),
        (Override("c", 0, NOW), PROGRAM, EffectiveLevel(0, Reason.OVERRIDE, None)),
        (Override("c", 30, NOW - HOUR, NOW), PROGRAM, EffectiveLevel(100, Reason.PROGRAM, NOW + 3 * HOUR)),
        (Override("c", 30, NOW + HOUR), PROGRAM, EffectiveLevel(100, Reason.PROGRAM, NOW + HOUR)),
        (Override("c", 30, NOW + 9 * HOUR), PROGRAM, EffectiveLevel(100, Reason.PROGRAM, NOW + 3 * HOUR)),
        (Override("c", 30, NOW + HOUR), None, EffectiveLevel(80, Reason.DEFAULT, NOW + HOUR)),
    ],
)
def test_who_decides(
    override: Override | None, program: LevelDecision | None, expected: EffectiveLevel
) -> None:
    assert effective_level(override, program, 80, NOW) == expected


def test_a_command_becomes_an_override_or_ends_it() -> None:
    command = LightCommand("c", "L", 40, NOW, NOW + HOUR, NOW + 2 * HOUR)
    assert override_from(command) == Override("c", 40, NOW, NOW + 2 * HOUR)
    assert override_from(LightCommand("c", "L", None, NOW, NOW + HOUR, None)) is None


def test_an_override_survives_json() -> None:
    override = Override("c", 40, NOW, None)
    assert msgspec.json.decode(msgspec.json.encode(override), type=Override) == override
    effective = EffectiveLevel(40, Reason.OVERRIDE, NOW)
    assert msgspec.json.decode(msgspec.json.encode(effective), type=EffectiveLevel) == effective
