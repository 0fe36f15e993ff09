"""A probe on real pseudo-terminals: who answers, at which baud rate, and what it is."""

import json
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import accepts_connections, free_port, wait_until
from tests.integration.whole.test_command_line import lentera
from tests.support.modbus_slave import SlaveLine, Unit


@pytest.fixture(scope="module")
def line_at_19200() -> Iterator[Path]:
    """A simulated line with lamp controllers at units 1 to 12 that understand 19200 baud only."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lentera", "sim", "--lamps", "12", "--baud", "19200"]
        process = subprocess.Popen(
            [*command, "--run-dir", folder, "--port", str(port)], stderr=subprocess.DEVNULL
        )
        try:
            lines = Path(folder) / "lines"
            # The port accepts connections before the lines are there.
            wait_until(lambda: accepts_connections(port) and any(lines.glob("*")), what="the simulator")
            yield next(lines.iterdir())
        finally:
            process.terminate()
            process.wait()


def probed(*arguments: str, status: int = 0) -> dict[str, Any]:
    run = lentera("probe", *arguments, "--json")
    assert run.returncode == status, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def test_controllers_at_an_unusual_baud_are_found_and_recognised(line_at_19200: Path) -> None:
    found = probed(str(line_at_19200), "--units", "1-20", "--parity", "N")
    assert [each["unit"] for each in found["responding"]] == list(range(1, 13))
    assert {(each["baud"], each["parity"], each["profile"]) for each in found["responding"]} == {
        (19200, "N", "lentera-lamp")
    }
    voltage = found["responding"][0]["values"]["supply_voltage_v"]
    assert 200 < voltage < 260


def test_nobody_answers_at_the_wrong_baud(line_at_19200: Path) -> None:
    found = probed(str(line_at_19200), "--units", "1-5", "--baud", "9600", "--parity", "N", status=1)
    assert found["responding"] == []


def test_what_is_found_is_printed_as_settings_that_pass_the_check(
    line_at_19200: Path, tmp_path: Path
) -> None:
    bauds = ("--baud", "19200", "--baud", "9600")
    run = lentera("probe", str(line_at_19200), *bauds, "--units", "2-4", "--parity", "N")
    assert run.returncode == 0
    assert "lentera-lamp" in run.stdout
    assert "--all searches the others too" in run.stdout
    head = '[gateway]\nid = "g"\narea = "a"\nlatitude = -7\nlongitude = 107\ntime_zone = "Asia/Jakarta"\n'
    settings = tmp_path / "gateway.toml"
    lines = run.stdout[run.stdout.index("[[line]]") :]
    settings.write_text(f'{head}[outbox]\npath = "{tmp_path}/o.db"\n{lines}')
    checked = lentera("edge", "--config", str(settings), "--check")
    assert checked.returncode == 0, checked.stderr
    assert "3 devices of profile lentera-lamp" in checked.stdout


@pytest.mark.timing
def test_a_silent_line_is_given_up_quickly_and_only_read() -> None:
    with SlaveLine({}, baud=9600) as slave:
        began = time.monotonic()
        found = probed(slave.path, "--baud", "9600", "--parity", "N", "--units", "1-100", status=1)
        took_s = time.monotonic() - began
        assert found["responding"] == []
        assert found["requests"] == 100
        assert took_s < 100 * 0.1 + 5
        assert {function for _, function in slave.requests} == {4}
        assert [unit for unit, _ in slave.requests] == list(range(1, 101))


def test_a_unit_that_only_refuses_is_found_and_a_garbled_one_reported() -> None:
    units = {3: Unit(refuses=2), 5: Unit(corrupt=True), 7: Unit(), 9: Unit(silent=True)}
    with SlaveLine(units, baud=9600) as slave:
        found = probed(slave.path, "--baud", "9600", "--parity", "N", "--units", "1-9")
        assert [(each["unit"], each["profile"]) for each in found["responding"]] == [
            (3, None),
            (7, "lentera-lamp"),
        ]
        assert [each["unit"] for each in found["garbled"]] == [5]
        assert 0 not in {unit for unit, _ in slave.requests}
        assert {function for _, function in slave.requests} <= {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("/dev/no-such-port",), "/dev/no-such-port"),
        (("COM3",), "PORT 'COM3': expected a device path"),
        (("/dev/null", "--baud", "9601"), "--baud 9601: expected one of 1200"),
        (("/dev/null", "--parity", "X"), "--parity 'X': expected one of N, E, O"),
        (("/dev/null", "--units", "0-9"), "--units '0-9': expected units from 1 to 247"),
        (("/dev/null", "--units", "9-1"), "--units '9-1': expected units from 1 to 247"),
        (("/dev/null", "--units", "all"), "--units 'all': expected numbers and ranges"),
    ],
)
def test_what_cannot_be_probed_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    run = lentera("probe", *arguments)
    assert run.returncode == 2
    assert problem in run.stderr
    assert "Traceback" not in run.stderr


def test_two_baud_rates_on_one_line_are_distinguished() -> None:
    units = {3: Unit(only_at=termios.B9600), 5: Unit(only_at=termios.B19200)}
    arguments = ("--units", "3,5", "--parity", "N", "--baud", "9600", "--baud", "19200")
    with SlaveLine(units, baud=19200) as slave:
        everyone = lentera("probe", slave.path, *arguments, "--all")
    assert everyone.returncode == 0
    assert "2 answering" in everyone.stdout
    assert "cannot share a line before they are set to one baud rate" in everyone.stdout
    assert everyone.stdout.count("[[line]]") == 2


def test_an_empty_result_says_what_was_tried_and_what_else_to_try() -> None:
    with SlaveLine({}, baud=9600) as slave:
        run = lentera("probe", slave.path, "--units", "1-3", "--parity", "N", "--baud", "9600")
    assert run.returncode == 1
    assert "tried: units 1 to 3, at 9600 baud 8N1" in run.stdout
    assert "without --baud and --parity all usual baud rates and parities are tried" in run.stdout
    assert "A and B swapped?" in run.stdout


def test_a_port_in_use_is_refused_and_its_owner_named() -> None:
    hold = "import serial, sys, time; held = serial.Serial(sys.argv[1], exclusive=True); print(flush=True)"
    with SlaveLine({1: Unit()}, baud=9600) as slave:
        command = [sys.executable, "-c", f"{hold}; time.sleep(60)", slave.path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
            try:
                assert owner.stdout is not None
                owner.stdout.readline()
                run = lentera("probe", slave.path, "--units", "1")
                pid = owner.pid
            finally:
                owner.kill()
        requested = list(slave.requests)
    assert run.returncode == 2
    assert f"{slave.path}: another process uses it" in run.stderr
    assert f"process {pid}" in run.stderr
    assert "systemctl stop lentera-edge" in run.stderr
    assert requested == []


def test_a_server_that_is_not_there_is_explained() -> None:
    run = lentera("probe", f"tcp://127.0.0.1:{free_port()}", "--units", "1")
    assert run.returncode == 2
    assert "Check that the server is on" in run.stderr
