"""`lentera admin`: administration of a cloud's database."""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lentera.clocks import clock_from
from lentera.errors import UsageError, as_usage_errors
from lentera.inventory_source import read_place
from protocols.inventory.model import Inventory, decode, encode

if TYPE_CHECKING:  # SQLAlchemy takes half a second to import, which no other command should wait for
    from sqlalchemy import Engine

    from cloud.config import CloudConfig

_LOST_UNASKED = 0.05  # of all lamps: more is rather the wrong document

admin = typer.Typer(no_args_is_help=True, help="Look after a cloud: database, inventory, users.")


@admin.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    from cloud.database import upgrade

    upgrade(_engine())


@admin.command("import-inventory")
def import_inventory_command(
    file: Annotated[Path, typer.Argument(help="An inventory document (JSON).")],
    yes: Annotated[bool, typer.Option("--yes", help="Even if many lamps go.")] = False,
) -> None:
    """Replace the inventory by a document; a document with any mistake changes nothing."""
    from cloud.provisioning import import_inventory, lamps_removed_by

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    inventory, engine = decode(file.read_bytes(), file.name), _engine()
    lost, stored = lamps_removed_by(engine, inventory)
    if inventory.lamps and lost > stored * _LOST_UNASKED and not yes:
        raise UsageError(
            f"{file}: {lost} of {stored} lamps would be removed, expected --yes if that is meant"
        )
    import_inventory(engine, inventory, clock_from(os.environ).now())
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
    # A list of lamps has no meters.
    output.write_bytes(encode(replace(inventory, cabinets=[])))
    sys.stdout.write(f"{len(inventory.lamps)} lamps on {len(inventory.gateways)} gateways: {output}\n")


@admin.command("gateway-configs")
def gateway_configs_command(
    out: Annotated[Path, typer.Option(help="The folder for one gateway.toml a gateway.")],
    inventory: Annotated[
        Path | None, typer.Option(help="An inventory document (JSON); the cloud's own when not given.")
    ] = None,
    broker: Annotated[str | None, typer.Option(help="The broker's host, to be filled in without.")] = None,
    baud: Annotated[int, typer.Option(help="Of every line.")] = 9600,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write the settings of every gateway, with comments on what is to be filled in on the site."""
    from lentera.gateway_config import Defaults, write_gateway_files

    if inventory is not None and not inventory.is_file():
        raise UsageError(f"{inventory}: no such file")
    place = _stored_inventory() if inventory is None else decode(inventory.read_bytes(), inventory.name)
    defaults = Defaults(baud=baud) if broker is None else Defaults(broker, baud=baud)
    with as_usage_errors(OSError):
        written = write_gateway_files(place, out, defaults, overwrite=overwrite)
    sys.stdout.write("".join(f"{path}\n" for path in written.paths))
    for gateway in written.without_devices:
        sys.stderr.write(f"{gateway}: has neither lamp nor cabinet, nothing written\n")
    sys.stdout.write(f"{len(written.paths)} gateways: fill in what is marked so, each on its own machine\n")


@admin.command("create-user")
def create_user_command(
    username: Annotated[str, typer.Argument()],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Let a person in."""
    from cloud.access.administration import create_user
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        create_user(_engine(), username, password=password, role=role, now=clock_from(os.environ).now())


@admin.command("list-users")
def list_users_command() -> None:
    """Print every user: name, role, whether there is a password, how many API tokens last."""
    from cloud.access.administration import list_users

    for user in list_users(_engine()):
        way = "password" if user.has_password else "no password"
        sys.stdout.write(f"{user.principal.name}\t{user.principal.role}\t{way}\t{user.tokens} tokens\n")


@admin.command("remove-user")
def remove_user_command(username: Annotated[str, typer.Argument()]) -> None:
    """Shut a person out at once: sessions and tokens end with the user."""
    from cloud.access.administration import remove_user
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        remove_user(_engine(), username)


@admin.command("set-password")
def set_password_command(
    username: Annotated[str, typer.Argument()],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Change a user's password and end their sessions."""
    from cloud.access.administration import set_password
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        set_password(_engine(), username, password)


@admin.command("create-token")
def create_token_command(
    username: Annotated[str, typer.Argument()],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it lasts.")] = 365,
) -> None:
    """Print a new API token for a user; it is shown this once."""
    from cloud.access.administration import create_token
    from cloud.access.model import AccessError

    now = clock_from(os.environ).now()
    with as_usage_errors(AccessError):
        token = create_token(_engine(), username, now=now, lifetime=timedelta(days=days))
    sys.stdout.write(token + "\n")


@admin.command("revoke-token")
def revoke_token_command(
    username: Annotated[str | None, typer.Argument(help="End all tokens of this user.")] = None,
) -> None:
    """End every API token of a user, or, without a name, the one that is typed in."""
    from cloud.access.administration import revoke_token, revoke_tokens
    from cloud.access.model import AccessError

    engine = _engine()
    with as_usage_errors(AccessError):
        if username is None:
            revoke_token(engine, typer.prompt("Token", hide_input=True))
        else:
            sys.stdout.write(f"{revoke_tokens(engine, username)} tokens ended\n")


@admin.command("create-gateway-key")
def create_gateway_key_command(gateway: Annotated[str, typer.Argument(help="The gateway's id.")]) -> None:
    """Make the key that signs the bundles of a gateway; copy its file to the gateway by a safe way."""
    from cloud.ingest.transfer import create_key
    from protocols.transfer.bundle import BundleError

    with as_usage_errors(BundleError, OSError):
        sys.stdout.write(f"{create_key(_config().gateway_keys, gateway)}\n")


@admin.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="What `lentera edge export` wrote.")],
    answer: Annotated[
        Path | None, typer.Option(help="Where the answer for the gateway goes; FILE.answer when not given.")
    ] = None,
) -> None:
    """Store records that were carried here; a file that was tampered with is refused whole."""
    from cloud.wiring import UNSTORED, store_bundle_records
    from protocols.transfer.bundle import BundleError
    from runtime.files import write_atomically

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    with as_usage_errors(*UNSTORED, OSError):
        try:
            stored = store_bundle_records(_config(), clock_from(os.environ), file.read_bytes(), file.name)
        except BundleError as error:
            raise UsageError(f"refused whole, nothing of it is stored: {error}") from error
    reply = answer or file.with_name(file.name + ".answer")
    try:
        write_atomically(reply, [stored.answer])
    except OSError as error:
        raise UsageError(
            f"{error}: {stored.records} records of {stored.gateway} are stored, but the answer is not "
            f"written; import {file} again, it changes nothing"
        ) from error
    sys.stdout.write(f"{stored.records} records of {stored.gateway} stored; bring {reply} back to it\n")


def _stored_inventory() -> Inventory:
    from cloud.inventory.store import InventoryStore

    return InventoryStore(_engine()).load()


def _engine() -> "Engine":
    from cloud.database import UnsupportedDatabaseError, create_engine

    with as_usage_errors(UnsupportedDatabaseError):
        return create_engine(_config().database_url)


def _config() -> "CloudConfig":
    from cloud.config import CloudConfigError, load_config

    with as_usage_errors(CloudConfigError):
        return load_config()
