"""One write sets a whole line only where it can do no harm: it reaches meters and relays too."""

from dataclasses import replace

import pytest

from edge.devices.device import broadcast_blocker, device_of, part_of, units_of
from protocols.modbus.builtin import builtin_ids, load_builtin
from protocols.modbus.profile import Profile
from tests.support.street import WRITE_ONLY

LAMP = load_builtin("lentera-lamp")
LAMPS = [(f"lamp-{unit}", LAMP) for unit in range(1, 4)]
BROADCAST_ALL = replace(
    WRITE_ONLY, registers=tuple(replace(each, broadcast=True) for each in WRITE_ONLY.registers)
)


def without_broadcast(name: str) -> Profile:
    registers = (replace(each, broadcast=each.name != name) for each in LAMP.registers)
    return replace(LAMP, id="some", registers=tuple(registers))


def test_lamps_of_one_profile_among_themselves_may_be_set_at_once() -> None:
    assert broadcast_blocker(LAMPS) is None


@pytest.mark.parametrize("profile_id", sorted(set(builtin_ids()) - {"lentera-lamp"}))
def test_no_other_builtin_profile_is_known_to_ignore_a_broadcast(profile_id: str) -> None:
    assert broadcast_blocker([*LAMPS, ("other", load_builtin(profile_id))]) is not None


def test_a_device_beside_the_lamps_must_be_known_to_ignore_it() -> None:
    meter = load_builtin("pzem-016")
    assert broadcast_blocker([*LAMPS, ("cabinet", meter)]) == (
        "cabinet may obey it: profile pzem-016 does not say ignores_broadcast = true"
    )
    assert broadcast_blocker([*LAMPS, ("cabinet", replace(meter, ignores_broadcast=True))]) is None


def test_the_contacts_of_a_cabinet_count_too() -> None:
    meter = replace(load_builtin("sdm630"), ignores_broadcast=True)
    cabinet = device_of("cabinet", 201, meter, part_of(202, load_builtin("cabinet-contacts")))
    why = broadcast_blocker([*LAMPS, *units_of([cabinet])])
    assert why is not None
    assert "profile cabinet-contacts" in why


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (without_broadcast("target_level_percent"), "does not say broadcast = true of target_level_percent"),
        (without_broadcast("fade_time_s"), "does not say broadcast = true of fade_time_s"),
        (BROADCAST_ALL, "never report their level: each must acknowledge it"),
    ],
)
def test_the_lamps_themselves_must_be_fit_for_it(profile: Profile, why: str) -> None:
    found = broadcast_blocker([("lamp-1", profile), ("lamp-2", profile)])
    assert found is not None
    assert why in found


def test_lamps_that_take_different_writes_are_written_one_by_one() -> None:
    gears = [(f"gear-{n}", load_builtin("intesis-dali").at(0, n)) for n in (0, 1)]
    assert broadcast_blocker(gears) == "gear-1 and gear-0 do not accept the same write"
    assert broadcast_blocker([*LAMPS, *gears]) is not None


def test_without_lamps_there_is_nothing_to_broadcast() -> None:
    assert broadcast_blocker([("cabinet", load_builtin("sdm120"))]) == "no lamp on it accepts a level"
