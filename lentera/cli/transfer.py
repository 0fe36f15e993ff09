"""`lentera edge export` and `import`: offline transfer of a gateway's records in signed bundles."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lentera.errors import UsageError, as_usage_errors

edge_app = typer.Typer(help="Run gateways, or transfer their records in files.")

_OLDER_PLAN = "its lighting plan is older than the last one accepted here and was ignored (see --older-plan)"

ConfigOption = Annotated[Path, typer.Option("--config", help="gateway.toml of this gateway.")]


@edge_app.command("export")
def export_command(
    config: ConfigOption, file: Annotated[Path, typer.Argument(help="File to write, such as on a USB stick.")]
) -> None:
    """Write all records that the cloud has not acknowledged to one signed file."""
    from edge.config.settings import ConfigError, load
    from edge.tools.transfer import TransferError, export_records
    from protocols.transfer.bundle import BundleError

    with as_usage_errors(ConfigError, TransferError, BundleError, OSError):
        count = export_records(load(config), file)
    sys.stdout.write(f"{count} records in {file}; they stay here until the answer is imported\n")


@edge_app.command("import")
def import_command(
    config: ConfigOption,
    file: Annotated[Path, typer.Argument(help="File that `lentera admin import` has written.")],
    older_plan: Annotated[
        bool, typer.Option("--older-plan", help="Follow its plan even if a newer one was accepted before.")
    ] = False,
) -> None:
    """Apply the cloud's answer: follow its lighting plan and delete the records that it has stored."""
    from edge.config.settings import ConfigError, load
    from edge.tools.transfer import TransferError, import_answer
    from protocols.transfer.bundle import BundleError

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    with as_usage_errors(ConfigError, TransferError, OSError):
        try:
            done = import_answer(load(config), file, older_plan_too=older_plan)
        except BundleError as error:
            raise UsageError(f"refused whole, nothing has changed: {error}") from error
    plan = "the lighting plan is accepted" if done.plan_accepted else _OLDER_PLAN
    sys.stdout.write(f"{done.deleted} records are stored in the cloud and deleted here; {plan}\n")
