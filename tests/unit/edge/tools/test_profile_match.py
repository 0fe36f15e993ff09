"""Which profile fits what an unknown device says."""

import struct

import pytest

from edge.tools.profile_match import ProfileMatch, best_first, match_score
from protocols.modbus.builtin import builtin_ids, load_builtin
from protocols.modbus.codec import ReadBlock, Value, decode_block, plan_reads
from protocols.modbus.profile import Poll

DAY = [0, 0, 0, 2301, 20, 12, 300, 92, 0, 1500, 0, 7200, 0, 12, 1, 256]
NIGHT = [100, 100, 4, 2298, 390, 900, 980, 95, 1, 1500, 0, 7200, 0, 12, 1, 256]
PZEM = [2305, 1200, 0, 2700, 0, 4711, 0, 500, 97, 0]


def floats(values: dict[int, float], words: int) -> list[int]:
    """Registers of a meter with 32-bit floats at these addresses."""
    registers = [0] * words
    for address, value in values.items():
        registers[address : address + 2] = struct.unpack(">HH", struct.pack(">f", value))
    return registers


SDM120 = floats({0: 230.4, 6: 1.2, 12: 270.0, 18: 280.0, 24: -60.0, 30: 0.97}, 350)


def fitting(registers: list[int]) -> list[str]:
    """The profiles that fit a device with these input registers and no others."""
    found: list[ProfileMatch | None] = []
    for profile_id in builtin_ids():
        profile = load_builtin(profile_id)
        blocks = plan_reads(profile, Poll.FAST)
        if all(_answers(registers, block) for block in blocks):
            values: dict[str, Value] = {}
            for block in blocks:
                values |= decode_block(profile, block, registers[block.address : block.end])
            found.append(match_score(profile_id, values))
    return best_first(found)


def _answers(registers: list[int], block: ReadBlock) -> bool:
    return block.table == "input" and block.end <= len(registers)


@pytest.mark.parametrize(
    ("registers", "expected"),
    [(DAY, "lentera-lamp"), (NIGHT, "lentera-lamp"), (PZEM, "pzem-016"), (SDM120, "sdm120")],
)
def test_a_device_is_recognised_by_what_it_says(registers: list[int], expected: str) -> None:
    assert fitting(registers)[:1] == [expected]


def test_nothing_fits_a_device_that_says_nothing_or_nonsense() -> None:
    assert fitting([0] * 350) == []
    assert fitting([0xFFFF] * 350) == []
    assert fitting([0x5A5A] * 350) == []


def test_one_impossible_value_rules_a_profile_out() -> None:
    assert match_score("p", {"supply_voltage_v": 230.0, "frequency_hz": 50.0}) is not None
    assert match_score("p", {"supply_voltage_v": 230.0, "frequency_hz": 400.0}) is None


def test_what_a_device_does_not_know_speaks_neither_for_nor_against() -> None:
    some = match_score(
        "p", {"supply_voltage_v": 230.0, "temperature_c": None, "lamp_on": True, "boot_counter": 9}
    )
    assert some == ProfileMatch("p", 1.0)


def test_contacts_fit_where_nothing_else_does() -> None:
    contacts = match_score("contacts", {"door_open": False, "breaker_tripped": True})
    assert best_first([contacts, match_score("meter", {"frequency_hz": 50.0})]) == ["meter", "contacts"]
    assert best_first([contacts, match_score("meter", {})]) == ["contacts"]
