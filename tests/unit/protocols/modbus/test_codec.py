"""Requests, responses and writes, against literal values and against the other direction."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import CodecError, ReadBlock, Write, decode_block, encode_write, plan_reads
from protocols.modbus.profile import Poll, Profile, Table, parse_profile

LAMP = load_builtin("lentera-lamp")
FAST = ReadBlock(Table.INPUT, 0, 16)
WORDS = [50, 40, 0b101, 2283, 412, 905, 972, 95, 0x0001, 0x86A0, 0, 7200, 0, 42, 7, 0x0203]


def profile_of(*registers: str) -> Profile:
    body = "".join(f"[[register]]\n{register}\n" for register in registers)
    return parse_profile(
        f'id = "t"\nname = "T"\nkind = "meter"\nmax_registers = 10\nmax_gap = 2\n{body}', "t.toml"
    )


def test_one_request_polls_a_lamp() -> None:
    assert plan_reads(LAMP, Poll.FAST) == [FAST]
    assert plan_reads(LAMP, Poll.SLOW) == [ReadBlock(Table.HOLDING, 0, 5)]


def test_a_poll_decodes_to_the_readings_units() -> None:
    assert decode_block(LAMP, FAST, WORDS) == {
        "actual_level_percent": 50,
        "feedback_level_percent": 40,
        "lamp_failure": True,
        "control_gear_failure": False,
        "lamp_on": True,
        "limit_error": False,
        "watchdog_active": False,
        "power_cycle_seen": False,
        "supply_voltage_v": 228.3,
        "supply_current_a": 0.412,
        "active_power_w": 90.5,
        "power_factor": 0.972,
        "temperature_c": 35,
        "active_energy_kwh": 100.0,
        "operating_hours_h": 2.0,
        "switch_on_counter": 42,
        "boot_counter": 7,
        "firmware_version": 0x0203,
    }


def test_mask_is_none_and_never_a_number() -> None:
    assert set(decode_block(LAMP, FAST, [0xFFFF] * 16).values()) == {None}


@pytest.mark.parametrize("count", [0, 15, 17])
def test_an_answer_of_another_length_is_refused(count: int) -> None:
    with pytest.raises(CodecError, match=rf"has {count} words, expected"):
        decode_block(LAMP, FAST, [0] * count)


def test_a_lone_block_holds_only_what_lies_wholly_in_it() -> None:
    assert decode_block(LAMP, ReadBlock(Table.INPUT, 7, 2), [95, 1]) == {"temperature_c": 35}


def test_neighbours_join_over_small_gaps_and_part_at_large_ones_and_at_the_limit() -> None:
    at = 'name = "r{0}"\ntable = "input"\naddress = {0}\ntype = "u16"'
    near = profile_of(*(at.format(address) for address in (8, 0, 3, 5)))
    assert plan_reads(near, Poll.FAST) == [ReadBlock(Table.INPUT, 0, 9)]
    far = profile_of(*(at.format(address) for address in (0, 4)))
    assert plan_reads(far, Poll.FAST) == [ReadBlock(Table.INPUT, 0, 1), ReadBlock(Table.INPUT, 4, 1)]
    long = profile_of(*(at.format(address) for address in range(12)))
    assert plan_reads(long, Poll.FAST) == [ReadBlock(Table.INPUT, 0, 10), ReadBlock(Table.INPUT, 10, 2)]


def test_meters_read_floats_and_low_word_first() -> None:
    sdm = load_builtin("sdm120")
    (block,) = plan_reads(sdm, Poll.FAST)
    words = [0] * block.count
    words[0:2] = struct.unpack(">HH", struct.pack(">f", 228.5))
    words[12:14] = struct.unpack(">HH", struct.pack(">f", 1500.0))
    words[30:32] = struct.unpack(">HH", struct.pack(">f", math.nan))
    values = decode_block(sdm, block, words)
    assert (values["supply_voltage_v"], values["total_power_kw"]) == (228.5, 1.5)
    assert values["total_power_factor"] is None
    pzem = load_builtin("pzem-016")
    (block,) = plan_reads(pzem, Poll.FAST)
    answer = decode_block(pzem, block, [2301, 0x86A0, 1, 0x3A98, 0, 1234, 0, 500, 97, 0xFFFF])
    assert answer["total_current_a"] == 100.0
    assert answer["total_power_kw"] == 1.5
    assert answer["total_active_energy_kwh"] == 1.234
    assert answer["power_alarm"] is True


@pytest.mark.parametrize("level", [0, 1, 50, 100])
def test_a_level_is_written(level: int) -> None:
    assert encode_write(LAMP, "target_level_percent", level) == Write(Table.HOLDING, 0, (level,))


def test_a_fade_is_written_in_tenths() -> None:
    assert encode_write(LAMP, "fade_time_s", 1.5) == Write(Table.HOLDING, 1, (15,))


@pytest.mark.parametrize("value", [-1, 100.5, 140, math.nan, math.inf])
def test_a_level_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(CodecError, match=r"target_level_percent is .*, expected 0 to 100 %"):
        encode_write(LAMP, "target_level_percent", value)


def test_an_unknown_point_names_those_there_are() -> None:
    with pytest.raises(CodecError, match=r"'colour' is unknown, expected one of target_level_percent"):
        encode_write(LAMP, "colour", 1)
    with pytest.raises(CodecError, match="unknown"):
        encode_write(LAMP, "supply_voltage_v", 230)


@given(
    kind=st.sampled_from(["u16", "s16", "u32", "s32"]),
    order=st.sampled_from(["high-first", "low-first"]),
    fraction=st.floats(0, 1),
)
def test_what_was_written_reads_back(kind: str, order: str, fraction: float) -> None:
    bits = int(kind[1:])
    low, high = (0, (1 << bits) - 1) if kind[0] == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
    value = low + round((high - low) * fraction)
    profile = profile_of(
        f'name = "v"\ntable = "holding"\naddress = 3\ntype = "{kind}"\nword_order = "{order}"\naccess = "rw"'
    )
    write = encode_write(profile, "v", value)
    assert decode_block(profile, ReadBlock(write.table, 3, len(write.words)), write.words) == {"v": value}


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back(value: float) -> None:
    profile = profile_of('name = "v"\ntable = "holding"\naddress = 0\ntype = "f32"\naccess = "rw"')
    write = encode_write(profile, "v", value)
    assert decode_block(profile, ReadBlock(write.table, 0, 2), write.words) == {"v": value}


def test_a_three_phase_meter_reads_in_kilowatts() -> None:
    meter = load_builtin("sdm630")
    assert len(plan_reads(meter, Poll.FAST)) == 2
    words = [word for value in range(9) for word in struct.unpack(">HH", struct.pack(">f", 100.0 * value))]
    values = decode_block(meter, ReadBlock(Table.INPUT, 0, 18), words)
    assert values == {
        "phase1_voltage_v": 0.0,
        "phase2_voltage_v": 100.0,
        "phase3_voltage_v": 200.0,
        "phase1_current_a": 300.0,
        "phase2_current_a": 400.0,
        "phase3_current_a": 500.0,
        "phase1_active_power_kw": 0.6,
        "phase2_active_power_kw": 0.7,
        "phase3_active_power_kw": 0.8,
    }


def test_an_inverted_contact_is_true_at_0() -> None:
    profile = profile_of(
        'name = "open"\ntable = "discrete"\naddress = 0\ntype = "bool"\ninverted = true',
        'name = "relay"\ntable = "coil"\naddress = 5\ntype = "bool"\ninverted = true\naccess = "rw"',
    )
    assert decode_block(profile, ReadBlock(Table.DISCRETE, 0, 1), [0]) == {"open": True}
    assert encode_write(profile, "relay", 1) == Write(Table.COIL, 5, (0,))
