"""The command line: each command reads its options, builds what they name and runs it."""

import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from lentera.built_map import built_map
from lentera.cli.admin import admin
from lentera.cli.signals import run_until_stopped
from lentera.cli.transfer import edge_app
from lentera.clocks import CLOCK_VARIABLE, ClockError, clock_from
from lentera.errors import UsageError, as_usage_errors
from lentera.inventory_source import generated_place, read_place, zone_option
from lentera.memory_tuning import block_import, trim_heap
from protocols.decoding import UndecodableError, decode_json
from protocols.inventory.model import Inventory, InventoryError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(admin, name="admin")
app.add_typer(edge_app, name="edge")

LARGEST_PLACE_LAMPS = 50_000
FAULTS_HELP = "Faults per thousand lamps, spread over twelve hours."


@app.command()
def demo(
    lamps: Annotated[
        int, typer.Option(min=1, max=LARGEST_PLACE_LAMPS, help="Number of simulated lamps.")
    ] = 500,
    speed: Annotated[float, typer.Option(min=0.1, max=600, help="Simulated seconds per second.")] = 60.0,
    start: Annotated[
        str | None,
        typer.Option(help="Simulated start, ISO 8601 with a time zone; shortly before sunset if omitted."),
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option(help="GeoJSON or CSV of lamps, or an inventory document (.json).")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA time zone of the lamps in that file.")] = "Asia/Jakarta",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the map; 0 for any free one.")] = 8080,
    baud: Annotated[int, typer.Option(help="Speed of the simulated RS-485 lines.")] = 9600,
    seed: Annotated[int, typer.Option(help="The same seed gives the same night.")] = 1,
    faults: Annotated[float, typer.Option(min=0, max=1000, help=FAULTS_HELP)] = 6.0,
    folder: Annotated[
        Path | None, typer.Option(help="Folder to keep databases and logs in; temporary if omitted.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ready line as JSON.")] = False,
) -> None:
    """Run a simulated town with its gateways and the cloud on this machine."""
    # Each command imports what it needs, so that none waits for the imports of another.
    from lentera.demo.processes import ProcessFailedError
    from lentera.demo.run import DemoError, DemoOptions, run_demo

    options = DemoOptions(
        speed=speed,
        start=None if start is None else _instant(start, "--start"),
        port=port,
        baud=baud,
        seed=seed,
        faults_per_1000_lamps=faults,
        as_json=as_json,
        folder=folder,
        web_dir=built_map(),
    )
    place = _place(inventory, lamps, seed, zone)
    with as_usage_errors(DemoError, ProcessFailedError):
        run_until_stopped(lambda: run_demo(place, options))


@app.command()
def sim(
    run_dir: Annotated[Path, typer.Option(help="Folder for the simulated lines, below lines/.")] = Path(
        "var/sim"
    ),
    inventory: Annotated[
        Path | None, typer.Option(help="GeoJSON or CSV of lamps, or an inventory document (.json).")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA time zone of the lamps in that file.")] = "Asia/Jakarta",
    lamps: Annotated[
        int, typer.Option(min=1, max=LARGEST_PLACE_LAMPS, help="Number of simulated lamps.")
    ] = 100,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the HTTP API.")] = 8090,
    baud: Annotated[int, typer.Option(help="Speed of the simulated RS-485 lines.")] = 9600,
    seed: Annotated[int, typer.Option(help="The same seed gives the same night.")] = 1,
    faults: Annotated[float, typer.Option(min=0, max=1000, help=FAULTS_HELP)] = 0.0,
    uplinks: Annotated[
        Path | None, typer.Option(help="JSON file of gateway ids and the loopback ports of their uplinks.")
    ] = None,
    broker_port: Annotated[int, typer.Option(help="Port of the broker that the uplinks lead to.")] = 1883,
) -> None:
    """Simulate lamp controllers and cabinets on RS-485 lines."""
    from lentera.logs import configure_logs
    from lentera.simulation import run_simulation

    ports = {} if uplinks is None else _uplink_ports(uplinks)
    configure_logs()
    run_until_stopped(
        lambda: run_simulation(
            _place(inventory, lamps, seed, zone),
            clock_from(os.environ),
            run_dir=run_dir,
            port=port,
            baud=baud,
            seed=seed,
            faults_per_1000_lamps=faults,
            uplink_ports=ports,
            broker_port=broker_port,
        )
    )


@edge_app.callback(invoke_without_command=True)
def edge(
    context: typer.Context,
    config: Annotated[
        list[Path] | None, typer.Option(help="A gateway.toml or a folder of them; repeatable.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the settings, print what the gateway would do, and exit.")
    ] = False,
) -> None:
    """Run gateways: poll their lines, apply their lighting plans, report to the cloud."""
    if context.invoked_subcommand is not None:
        return
    if not config:
        raise UsageError("--config is missing, expected a gateway.toml or a folder of them")
    block_import("rich")  # structlog takes 3 MB to be able to draw what a JSON log never shows
    block_import("greenlet")
    from edge.config.settings import ConfigError, load_all
    from edge.process import run_process
    from edge.tools.check import report_on
    from edge.tools.clashes import reject_clashes
    from lentera.logs import configure_logs

    with as_usage_errors(ConfigError):
        configs = load_all(path for given in config for path in _toml_files(given))
        reject_clashes(configs)
    clock = clock_from(os.environ)
    if check:
        reports = (
            f"{path}: sound\n{report_on(each, clock.now()).text()}\n" for path, each in configs.items()
        )
        sys.stdout.write("\n".join(reports))
        return
    configure_logs()
    simulated = CLOCK_VARIABLE in os.environ
    trim_heap()
    run_until_stopped(lambda: run_process(list(configs.values()), clock, os.environ, simulated=simulated))


@app.command()
def probe(
    port: Annotated[
        str, typer.Argument(help="The line: /dev/ttyUSB0, tcp://host:port or rtu+tcp://host:port.")
    ],
    baud: Annotated[
        list[int] | None, typer.Option(help="Baud rate; repeatable. All usual ones if omitted.")
    ] = None,
    parity: Annotated[
        list[str] | None, typer.Option(help="Parity N, E or O; repeatable. All if omitted.")
    ] = None,
    units: Annotated[str, typer.Option(help="Units to try, such as 1-50,100.")] = "1-247",
    timeout: Annotated[
        float, typer.Option(min=0.01, max=2, help="Seconds to wait for the start of a response.")
    ] = 0.06,
    thorough: Annotated[
        bool,
        typer.Option("--all", help="Try the other baud rates and parities too after a device has responded."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the devices on a line, their baud rates, parities and profiles. It only reads."""
    from edge.tools.probe import BAUDS, PARITIES, ProbePlan, settings_for
    from lentera.cli.probe import check_line, run_probe, unit_numbers

    check_line(port, baud or (), parity or ())
    settings = settings_for(port, baud or BAUDS, parity or PARITIES)
    plan = ProbePlan(port, settings, unit_numbers(units), timeout, thorough)
    raise typer.Exit(run_probe(plan, as_json=as_json))


@app.command()
def cloud(
    role: Annotated[
        list[str] | None, typer.Option(help="api or ingest; repeatable. Both if omitted.")
    ] = None,
) -> None:
    """Run the cloud. Its settings are environment variables LENTERA_… (docs/operations/cloud.md)."""
    from cloud.app import run_cloud
    from cloud.config import CloudConfigError, load_config
    from cloud.database import UnsupportedDatabaseError
    from cloud.http.server import ListenError
    from cloud.telemetry.store import TelemetryUrlError
    from lentera.logs import configure_logs

    roles = frozenset(role or ("api", "ingest"))
    if unknown := roles - {"api", "ingest"}:
        raise UsageError(f"--role {min(unknown)!r}: expected api or ingest")
    configure_logs()
    with as_usage_errors(CloudConfigError, ListenError, TelemetryUrlError, UnsupportedDatabaseError):
        config = load_config()
        if config.web_dir is None:
            config = config.model_copy(update={"web_dir": built_map()})
        run_until_stopped(lambda: run_cloud(config, clock_from(os.environ), roles))


@app.command()
def sun(
    at: Annotated[str, typer.Option(help="LATITUDE,LONGITUDE in degrees.")],
    zone: Annotated[str, typer.Option(help="IANA time zone of the date.")] = "Asia/Jakarta",
    day: Annotated[
        str | None, typer.Option("--date", help="Local date, YYYY-MM-DD; today if omitted.")
    ] = None,
    altitude: Annotated[float, typer.Option(help="Altitude of the sun's centre in degrees.")] = -0.8333,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print sunrise and sunset of a day, in UTC."""
    from lentera.cli.sun import rise_and_set

    place_zone = zone_option(zone)
    local_date = datetime.now(place_zone).date() if day is None else _date(day)
    times = rise_and_set(_coordinates(at), place_zone, local_date, altitude)
    if as_json:
        sys.stdout.write(json.dumps(times) + "\n")
    else:
        sys.stdout.write("".join(f"{name:5} {when or 'none'}\n" for name, when in times.items()))


def main() -> None:
    """Run the command line; a wrong option, setting or file gives one message and exit status 2."""
    try:
        app()
    except (UsageError, ClockError, InventoryError) as error:
        sys.stderr.write(f"lentera: {error}\n")
        sys.exit(2)


def _place(inventory: Path | None, lamps: int, seed: int, zone: str) -> Inventory:
    return generated_place(lamps, seed) if inventory is None else read_place(inventory, zone)


def _uplink_ports(path: Path) -> dict[str, int]:
    try:
        return decode_json(path.read_bytes(), dict[str, int])
    except (OSError, UndecodableError) as error:
        raise UsageError(
            f"--uplinks {path}: {error}, expected a JSON object of gateway ids and ports"
        ) from error


def _toml_files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    if files := sorted(given.glob("*.toml")):
        return files
    raise UsageError(f"--config {given}: no .toml file in this folder, expected one for each gateway")


def _instant(text: str, option: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: expected an ISO 8601 instant such as 2026-11-24T17:30+07:00"
        ) from error
    if instant.tzinfo is None:
        raise UsageError(f"{option} {text!r}: expected a time zone at the end, such as Z or +07:00")
    return instant.astimezone(UTC)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--date {text!r}: expected a date YYYY-MM-DD") from error


def _coordinates(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--at {text!r}: expected LATITUDE,LONGITUDE in degrees") from error
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise UsageError(f"--at {text!r}: expected a latitude within ±90 and a longitude within ±180")
    return latitude, longitude
