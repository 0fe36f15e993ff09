"""A profile is read whole or refused with everything that is wrong in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.builtin import builtin_ids, load_builtin
from protocols.modbus.profile import Poll, Profile, ProfileError, Table, parse_profile

HEAD = 'id = "x"\nname = "X"\nkind = "lamp"\n'
REGISTER = '[[register]]\nname = "a"\ntable = "input"\naddress = 0\ntype = "u16"\n'


@pytest.mark.parametrize("profile_id", builtin_ids())
def test_every_built_in_profile_reads_and_is_named_like_its_file(profile_id: str) -> None:
    profile = load_builtin(profile_id)
    assert profile.id == profile_id
    assert any(register.poll is Poll.FAST for register in profile.registers)


def test_the_promised_devices_are_built_in() -> None:
    assert {"lentera-lamp", "sdm120", "sdm630", "pzem-016", "intesis-dali", "cabinet-contacts"} <= set(
        builtin_ids()
    )


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"'lamp-9000' is unknown, expected one of .*lentera-lamp"):
        load_builtin("lamp-9000")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ('type = "u16"', "type = \"u17\"|line 8, register 1: type is 'u17', expected one of u16, s16"),
        ("address = 0", "address = 65536|address is 65536, expected a whole number from 0 to 65535"),
        ("address = 0\n", "|line 4, register 1: address is missing, expected a whole number"),
        ('name = "a"', "name = \"Active Power\"|name is 'Active Power', expected a name in lower_snake_case"),
        ("address = 0", "address = 0\naccess = \"rw\"|access is 'rw', expected 'r'"),
        ("address = 0", "address = 0\nscale = 0|scale is 0, expected a positive number"),
        ("address = 0", "address = 0\nadress = 1|adress is 1, expected no such field"),
        (
            "address = 0",
            "address = 0\nerror_values = [-1]|error_values is [-1], expected a list of raw values",
        ),
        ('table = "input"', "table = \"coil\"|type is 'u16', expected 'bool'"),
        ('type = "u16"', 'type = "bool"|bit is missing, expected a whole number from 0 to 15'),
    ],
)
def test_a_wrong_field_is_named_with_line_value_and_expectation(change: str, complaint: str) -> None:
    wrong, _, message = complaint.partition("|")
    with pytest.raises(ProfileError) as caught:
        parse_profile(HEAD + REGISTER.replace(change, wrong), "pole.toml")
    assert "pole.toml: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('"yes"', "line 4: ignores_broadcast is 'yes', expected true or false"),
        ("true", "line 4: ignores_broadcast is True, expected false, since a can be written by broadcast"),
    ],
)
def test_what_a_profile_says_of_broadcasts_must_be_sound(value: str, complaint: str) -> None:
    reported = REGISTER.replace("input", "holding") + 'access = "rw"\nbroadcast = true\n'
    with pytest.raises(ProfileError) as caught:
        parse_profile(f"{HEAD}ignores_broadcast = {value}\n{reported}", "pole.toml")
    assert f"pole.toml: {complaint}" in caught.value.problems


def test_a_device_is_not_taken_to_ignore_broadcasts_unless_its_profile_says_so() -> None:
    assert not parse_profile(HEAD + REGISTER, "pole.toml").ignores_broadcast
    assert parse_profile(f"{HEAD}ignores_broadcast = true\n{REGISTER}", "pole.toml").ignores_broadcast


def test_a_register_can_be_read_at_every_poll_whatever_its_file_says() -> None:
    profile = load_builtin("lentera-lamp")
    target = next(
        each
        for each in profile.always_reading("target_level_percent").registers
        if each.name == "target_level_percent"
    )
    assert target.poll is Poll.FAST
    assert profile.always_reading("feedback_level_percent") is profile


def test_all_problems_are_reported_at_once() -> None:
    text = 'id = "x"\nkind = "lamb"\n' + REGISTER.replace("u16", "u8") + REGISTER
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, "pole.toml")
    problems = "\n".join(caught.value.problems)
    assert "pole.toml: line 2: kind is 'lamb'" in problems
    assert "name is missing" in problems
    assert "type is 'u8'" in problems
    assert "register.name is 'a', expected it once, occurs 2 times" in problems


def test_broken_toml_names_the_line() -> None:
    with pytest.raises(ProfileError, match=r"pole\.toml: .*line 2"):
        parse_profile('id = "x"\nname = \n', "pole.toml")


def test_a_profile_without_registers_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"expected at least one \[\[register\]\] table"):
        parse_profile(HEAD, "pole.toml")


@given(st.text())
def test_any_text_is_a_profile_or_a_profile_error(text: str) -> None:
    try:
        profile = parse_profile(text, "any")
    except ProfileError as error:
        assert_that_problems_name_the_source(error)
    else:
        assert isinstance(profile, Profile)


def assert_that_problems_name_the_source(error: ProfileError) -> None:
    assert error.problems
    assert all(problem.startswith("any: ") for problem in error.problems)


def test_a_gear_behind_a_many_lamp_gateway_lies_strides_further_on() -> None:
    profile = load_builtin("intesis-dali").at(line=1, address=3)
    level = next(register for register in profile.registers if register.name == "target_level_percent")
    assert (level.table, level.address) == (Table.HOLDING, 7315)
