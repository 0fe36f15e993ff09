"""`lentera probe`: prints what a probe found, as text or JSON."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.config.line_settings import LINE_ADDRESS, is_line_address
from edge.tools.probe import BAUDS, PARITIES, Findings, FoundUnit, Probe, ProbeError, ProbePlan, Setting, Step
from edge.tools.serial_port import port_problem
from lentera.errors import UsageError
from protocols.modbus.builtin import load_builtin

NONE_FOUND = 1
"""Exit status when no device responded."""

LAST_UNIT = 247

_SHOWN_VALUES = 5


def check_line(port: str, bauds: Iterable[int], parities: Iterable[str]) -> None:
    """Check the port, the baud rates and the parities.

    Raises:
        UsageError: names option, value and what was expected.
    """
    checks: list[tuple[str, str | int, bool, str]] = [("PORT", port, is_line_address(port), LINE_ADDRESS)]
    checks += [
        ("--baud", baud, baud in BAUDS, f"one of {', '.join(map(str, sorted(BAUDS)))}") for baud in bauds
    ]
    checks += [("--parity", each, each in PARITIES, f"one of {', '.join(PARITIES)}") for each in parities]
    for option, value, is_right, expected in checks:
        if not is_right:
            raise UsageError(f"{option} {value!r}: expected {expected}")


def unit_numbers(text: str) -> tuple[int, ...]:
    """Return the units of a list such as 1-50,100.

    Raises:
        UsageError: it is no such list, or a unit is not from 1 to 247.
    """
    units: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.strip().isdecimal() or not (last or first).strip().isdecimal():
            raise UsageError(f"--units {text!r}: expected numbers and ranges such as 1-50,100")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= LAST_UNIT:
            raise UsageError(f"--units {text!r}: expected units from 1 to {LAST_UNIT}, the lower one first")
        units.update(range(low, high + 1))
    return tuple(sorted(units))


def run_probe(plan: ProbePlan, *, as_json: bool) -> int:
    """Probe a line, print what was found, and return the exit status.

    Raises:
        UsageError: the port cannot be used; says what to check.
    """
    if not _is_server(plan.port) and (trouble := port_problem(plan.port)) is not None:
        raise UsageError(f"{plan.port}: {trouble}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    with _progress() as on_step:
        findings = _findings(plan, on_step)
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(_document(plan, findings, seconds), ensure_ascii=False) + "\n")
    else:
        _print(plan, findings, seconds)
    return 0 if findings.found else NONE_FOUND


def _is_server(port: str) -> bool:
    return "://" in port


def _findings(plan: ProbePlan, on_step: Callable[[Step], None]) -> Findings:
    try:
        return asyncio.run(Probe(plan, on_step).run())
    except ProbeError as error:
        if _is_server(plan.port):
            advice = "Check that the server is on, its address is right and no other client is connected"
        else:
            advice = "Check that the adapter is still plugged in"
        raise UsageError(f"{error}. {advice}") from error


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[found]}"))
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None, found="")

        def on_step(step: Step) -> None:
            progress.update(
                task,
                description=f"{_characters(step.setting)}, unit {step.unit}",
                completed=step.done,
                total=step.total,
                found=f"{step.found} answering",
            )

        yield on_step


def _document(plan: ProbePlan, findings: Findings, seconds: float) -> dict[str, object]:
    return {
        "port": plan.port,
        "seconds": round(seconds, 1),
        "requests": findings.requests,
        "responding": [
            {
                "unit": each.unit,
                "baud": each.setting.baud,
                "parity": each.setting.parity,
                "profile": each.profiles[0] if each.profiles else None,
                "alsoFits": list(each.profiles[1:]),
                "values": each.values,
            }
            for each in findings.found
        ],
        "garbled": [
            {"unit": unit, "baud": setting.baud, "parity": setting.parity}
            for setting, unit in findings.garbled
        ],
        "unusable": [{"baud": setting.baud, "parity": setting.parity} for setting in findings.unusable],
    }


def _print(plan: ProbePlan, findings: Findings, seconds: float) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for setting, unit in findings.garbled:
        console.print(
            f"unit {unit} was heard at {_characters(setting)}, but not understood: another baud rate"
            " or parity, or two devices at one address",
            style="yellow",
        )
    for setting in findings.unusable:
        console.print(f"this port cannot be set to {_characters(setting)}", style="yellow")
    if not findings.found:
        for line in _about_none_found(plan, findings, seconds):
            console.print(line, markup=False)
        return
    table = Table("unit", "line", "profile", "values")
    for each in findings.found:
        profiles = " or ".join(each.profiles) or "none of ours fits"
        values = _values(each) if each.profiles else ""
        table.add_row(str(each.unit), _characters(each.setting), profiles, values)
    console.print(table)
    if not plan.thorough and len(plan.settings) > 1:
        console.print("it stopped at the first baud rate with a response: --all searches the others too")
    console.print(f"{len(findings.found)} answering, found in {seconds:.0f} s. For gateway.toml:\n")
    console.print(_suggestion(plan.port, findings), markup=False)


def _about_none_found(plan: ProbePlan, findings: Findings, seconds: float) -> Iterator[str]:
    yield f"no device responded on {plan.port} ({findings.requests} requests in {seconds:.0f} s)"
    units = f"unit{'s' if len(plan.units) > 1 else ''} {plan.units[0]}"
    units += f" to {plan.units[-1]}" if len(plan.units) > 1 else ""
    if _is_server(plan.port):
        yield f"tried: {units}, at the baud rate of the server: check that the devices use the same"
    else:
        usable = [each for each in plan.settings if each not in findings.unusable]
        yield f"tried: {units}, at {', '.join(_characters(each) for each in usable)}"
        if len(plan.settings) < len(BAUDS) * len(PARITIES):
            yield "without --baud and --parity all usual baud rates and parities are tried"
    yield "look at the wiring (A and B swapped?), the supply, the addresses (--units), and --timeout if slow"


def _values(each: FoundUnit) -> str:
    units = {register.name: register.unit for register in load_builtin(each.profiles[0]).registers}
    shown = [
        f"{value:g} {units[name]}" for name, value in each.values.items() if units[name] and value is not None
    ]
    return ", ".join(shown[:_SHOWN_VALUES])


def _suggestion(port: str, findings: Findings) -> str:
    """Return the gateway.toml lines for the devices found; those without a matching profile are comments."""
    lines: list[str] = []
    settings = sorted({each.setting for each in findings.found}, key=lambda each: (each.baud, each.parity))
    if len(settings) > 1:
        lines.append("# These devices cannot share a line before they are set to one baud rate and parity.")
    for setting in settings:
        lines += ["[[line]]", f'port = "{port}"', f"baud = {setting.baud}", f'parity = "{setting.parity}"']
        for each in findings.found:
            if each.setting == setting:
                lines += _device(each)
    return "\n".join(lines)


def _device(each: FoundUnit) -> list[str]:
    if not each.profiles:
        return [f"# unit {each.unit} answers, and no profile fits"]
    return [
        "[[line.device]]",
        f'id = "unit-{each.unit}"',
        f"unit = {each.unit}",
        f'profile = "{each.profiles[0]}"',
    ]


def _characters(setting: Setting) -> str:
    return f"{setting.baud} baud 8{setting.parity}1"
