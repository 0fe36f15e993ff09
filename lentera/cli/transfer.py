"""`lentera edge export` and `import`: offline transfer of a gateway's records in signed bundles."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lentera.errors import UsageError, as_usage_errors

if TYPE_CHECKING:  # not before a command needs it
    from edge.config.settings import GatewayConfig

edge_app = typer.Typer(help="Run a gateway, or transfer its records in files.")

_OLDER_PLAN = (
    "its lighting plan is older than the one given here last and was not accepted (see --older-plan)"
)

ConfigOption = Annotated[Path, typer.Option("--config", help="The gateway's gateway.toml.")]


@edge_app.command("export")
def export_command(
    config: ConfigOption, file: Annotated[Path, typer.Argument(help="Such as a file on a USB stick.")]
) -> None:
    """Write all records the cloud has not acknowledged into one signed file."""
    from edge.config.settings import ConfigError
    from edge.tools.transfer import TransferError, export_records
    from protocols.transfer.bundle import BundleError

    with as_usage_errors(ConfigError, TransferError, BundleError, OSError):
        count = export_records(_load(config), file)
    sys.stdout.write(f"{count} records in {file}; they stay here until the answer is imported\n")


@edge_app.command("import")
def import_command(
    config: ConfigOption,
    file: Annotated[Path, typer.Argument(help="What `lentera admin import` wrote.")],
    older_plan: Annotated[
        bool, typer.Option("--older-plan", help="Follow its plan even if a newer one was given here before.")
    ] = False,
) -> None:
    """Take the cloud's answer: follow the lighting plan it sent, and delete what it has stored."""
    from edge.config.settings import ConfigError
    from edge.tools.transfer import TransferError, import_answer
    from protocols.transfer.bundle import BundleError

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    with as_usage_errors(ConfigError, TransferError, OSError):
        try:
            done = import_answer(_load(config), file, older_plan_too=older_plan)
        except BundleError as error:
            raise UsageError(f"refused whole, nothing has changed: {error}") from error
    plan = "the lighting plan is accepted" if done.plan_accepted else _OLDER_PLAN
    sys.stdout.write(f"{done.deleted} records are stored in the cloud and deleted here; {plan}\n")


def _load(path: Path) -> "GatewayConfig":
    from edge.config.settings import load

    return load(path)
