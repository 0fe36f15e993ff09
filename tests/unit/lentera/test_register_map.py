"""The generated register map shows every register of every profile."""

import pytest

from lentera.docs.register_map import register_map
from protocols.modbus.builtin import builtin_ids, load_builtin


@pytest.mark.parametrize("profile_id", builtin_ids())
def test_every_register_of_a_profile_is_in_its_section(profile_id: str) -> None:
    profile = load_builtin(profile_id)
    section = register_map().partition(f"(`{profile_id}`)")[2].partition("\n## ")[0]
    for register in profile.registers:
        assert f"| `{register.name}` |" in section


def test_a_row_says_where_how_and_what() -> None:
    rows = register_map().splitlines()
    assert (
        "| 10–11 | input | `operating_hours_h` | u32 | 1/3600 |  | h | r | fast |  | 0xFFFFFFFF "
        "| Time lit since manufacture, counted in s |"
    ) in rows
    assert (
        "| 0 | holding | `target_level_percent` | u16 |  |  | % | rw, broadcast | slow | 0–100 | 0xFFFF "
        "| Level requested |"
    ) in rows


def test_a_section_says_what_a_broadcast_does_to_the_device() -> None:
    page = register_map()
    assert "each lamp is written singly" in page.partition("(`pzem-016`)")[2].partition("\n## ")[0]
    assert "each lamp is written singly" not in page.partition("(`lentera-lamp`)")[2].partition("\n## ")[0]


def test_all_rows_have_the_header_s_columns() -> None:
    rows = [line for line in register_map().splitlines() if line.startswith("|")]
    assert {row.count(" | ") + row.count("|  |") for row in rows if row.startswith("| address")} == {11}
    assert {row.count("|") for row in rows} == {13}
