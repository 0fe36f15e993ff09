"""`lentera edge`: records out of a gateway's outbox by hand, and the cloud's answer into it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lentera.errors import UsageError, explained

if TYPE_CHECKING:  # not before a command needs it
    from edge.config import GatewayConfig

edge_app = typer.Typer(help="Run a gateway, or carry its data by hand.")

ConfigOption = Annotated[Path, typer.Option("--config", help="The gateway's gateway.toml.")]


@edge_app.command("export")
def export_command(
    config: ConfigOption, file: Annotated[Path, typer.Argument(help="Such as a file on a USB stick.")]
) -> None:
    """Write all records the cloud has not acknowledged into one signed file."""
    from edge.byhand import ByHandError, export_records  # noqa: PLC0415
    from edge.config import ConfigError  # noqa: PLC0415
    from protocols.parcel import ParcelError  # noqa: PLC0415

    with explained(ConfigError, ByHandError, ParcelError, OSError):
        count = export_records(_load(config), file)
    sys.stdout.write(f"{count} records in {file}; they stay here until the answer is imported\n")


@edge_app.command("import")
def import_command(
    config: ConfigOption, file: Annotated[Path, typer.Argument(help="What `lentera admin import` wrote.")]
) -> None:
    """Take the cloud's answer: forget what it has stored, and follow the lighting plan it sent."""
    from edge.byhand import ByHandError, import_answer  # noqa: PLC0415
    from edge.config import ConfigError  # noqa: PLC0415
    from protocols.parcel import ParcelError  # noqa: PLC0415

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    with explained(ConfigError, ByHandError, ParcelError, OSError):
        count = import_answer(_load(config), file)
    sys.stdout.write(f"{count} records are in the cloud and gone from here; the lighting plan is taken up\n")


def _load(path: Path) -> "GatewayConfig":
    from edge.config import load  # noqa: PLC0415

    return load(path)
