"""`lentera admin`: what is done to a cloud's database by hand."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lentera.clocks import clock_from
from lentera.errors import UsageError, explained
from lentera.places import read_place
from protocols.inventory.model import decode, encode

if TYPE_CHECKING:  # SQLAlchemy takes half a second to import, which no other command should wait for
    from sqlalchemy import Engine

    from cloud.config import CloudConfig

admin = typer.Typer(no_args_is_help=True, help="Look after a cloud: database, inventory, users.")


@admin.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    from cloud.database import upgrade  # noqa: PLC0415

    upgrade(_engine())


@admin.command("import-inventory")
def import_inventory_command(
    file: Annotated[Path, typer.Argument(help="An inventory document (JSON).")],
) -> None:
    """Replace the inventory by a document; a document with any mistake changes nothing."""
    from cloud.inventory.service import import_inventory  # noqa: PLC0415

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    inventory = decode(file.read_bytes(), file.name)
    import_inventory(_engine(), inventory)
    sys.stdout.write(f"{len(inventory.lamps)} lamps on {len(inventory.gateways)} gateways\n")


@admin.command("make-inventory")
def make_inventory_command(
    lamps: Annotated[Path, typer.Argument(help="A GeoJSON or CSV file of real lamps.")],
    output: Annotated[Path, typer.Argument(help="Where the inventory document goes.")],
    zone: Annotated[str, typer.Option(help="IANA time zone of the lamps.")] = "Asia/Jakarta",
) -> None:
    """Put a list of real lamps on gateways: at most 100 to a gateway, 50 to a line, close together."""
    inventory = read_place(lamps, zone)
    if output.exists():
        raise UsageError(f"{output}: exists already, expected the name of a new file")
    # What meters there are no list of lamps says.
    output.write_bytes(encode(replace(inventory, cabinets=[])))
    sys.stdout.write(f"{len(inventory.lamps)} lamps on {len(inventory.gateways)} gateways: {output}\n")


@admin.command("create-user")
def create_user_command(
    username: Annotated[str, typer.Argument()],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Let a person in."""
    from cloud.access.model import AccessError  # noqa: PLC0415
    from cloud.access.service import create_user  # noqa: PLC0415

    with explained(AccessError):
        create_user(_engine(), username, password=password, role=role, now=clock_from(os.environ).now())


@admin.command("create-token")
def create_token_command(username: Annotated[str, typer.Argument()]) -> None:
    """Print a new API token for a user; it is shown this once."""
    from cloud.access.model import AccessError  # noqa: PLC0415
    from cloud.access.service import create_token  # noqa: PLC0415

    with explained(AccessError):
        sys.stdout.write(create_token(_engine(), username, now=clock_from(os.environ).now()) + "\n")


@admin.command("create-gateway-key")
def create_gateway_key_command(gateway: Annotated[str, typer.Argument(help="The gateway's id.")]) -> None:
    """Make the key that signs files carried by hand; its file goes to the gateway too, by a safe way."""
    from cloud.ingest.byhand import create_key  # noqa: PLC0415
    from protocols.parcel import ParcelError  # noqa: PLC0415

    with explained(ParcelError, OSError):
        sys.stdout.write(f"{create_key(_config().gateway_keys, gateway)}\n")


@admin.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="What `lentera edge export` wrote.")],
    answer: Annotated[
        Path | None, typer.Option(help="Where the answer for the gateway goes; FILE.answer when not given.")
    ] = None,
) -> None:
    """Store records that were carried here; a file that was tampered with is refused whole."""
    from cloud.wiring import store_by_hand  # noqa: PLC0415
    from protocols.parcel import ParcelError  # noqa: PLC0415

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    with explained(ParcelError, OSError):
        stored = store_by_hand(_config(), clock_from(os.environ), file.read_bytes(), file.name)
        reply = answer or file.with_name(file.name + ".answer")
        reply.write_bytes(stored.answer)
    sys.stdout.write(f"{stored.records} records of {stored.gateway} stored; bring {reply} back to it\n")


def _engine() -> "Engine":
    from cloud.database import UnsupportedDatabaseError, create_engine  # noqa: PLC0415

    with explained(UnsupportedDatabaseError):
        return create_engine(_config().database_url)


def _config() -> "CloudConfig":
    from cloud.config import ConfigError, load_config  # noqa: PLC0415

    with explained(ConfigError):
        return load_config()
