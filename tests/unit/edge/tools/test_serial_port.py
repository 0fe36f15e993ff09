"""Diagnoses of a port that cannot be used."""

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.tools.serial_port import port_problem


@pytest.fixture
def terminal() -> Iterator[str]:
    """A real terminal, free to be used."""
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_a_port_that_can_be_used_is_no_trouble(terminal: str) -> None:
    assert port_problem(terminal) is None


def test_a_missing_port_names_those_that_are_there(tmp_path: Path) -> None:
    assert port_problem("/dev/no-such-port", devices=tmp_path) == (
        f"there is no such port. No adapter is plugged in: {tmp_path} has none. Check its cable, and dmesg"
    )
    for name in ("ttyUSB1", "ttyUSB3", "ttyS0"):
        (tmp_path / name).touch()
    assert port_problem("/dev/no-such-port", devices=tmp_path) == (
        f"there is no such port. Ports here now: {tmp_path}/ttyUSB1, {tmp_path}/ttyUSB3"
    )


@pytest.mark.parametrize("port", ["/dev/null", __file__])
def test_what_is_no_serial_port_is_refused(port: str) -> None:
    assert (port_problem(port) or "").startswith("this is no serial port")


def test_a_forbidden_port_is_reported_with_the_group_to_join(
    terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may always: the answer of the system is put in its mouth.
    monkeypatch.setattr(os, "access", lambda *_: False)
    problem = port_problem(terminal) or ""
    assert problem.startswith("this user may not use it, only group ")
    assert "sudo usermod -aG" in problem
