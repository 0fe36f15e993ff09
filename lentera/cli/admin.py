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
from protocols.inventory.model import decode, encode

if TYPE_CHECKING:  # SQLAlchemy takes half a second to import, which no other command should wait for
    from sqlalchemy import Engine

    from cloud.config import CloudConfig

_LOST_UNCONFIRMED = 0.05
"""Share of lamps that an import may remove without --yes. Our choice: more suggests a wrong document."""

PROMPT_HELP = "Prompted for if omitted, which keeps it out of the shell's history."

admin = typer.Typer(no_args_is_help=True, help="Administer a cloud: database, inventory, users.")


@admin.command()
def migrate() -> None:
    """Create or update the tables of the database."""
    from cloud.database import upgrade

    upgrade(_engine())


@admin.command("import-inventory")
def import_inventory_command(
    file: Annotated[Path, typer.Argument(help="An inventory document (JSON).")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also if more than 5 % of the lamps are removed.")
    ] = False,
) -> None:
    """Replace the inventory by a document; one with an error changes nothing."""
    from cloud.provisioning import import_inventory, lamps_removed_by

    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    inventory, engine = decode(file.read_bytes(), file.name), _engine()
    lost, stored = lamps_removed_by(engine, inventory)
    if inventory.lamps and lost > stored * _LOST_UNCONFIRMED and not yes:
        raise UsageError(
            f"{file}: {lost} of {stored} lamps would be removed, expected --yes if that is intended"
        )
    import_inventory(engine, inventory, clock_from(os.environ).now())
    sys.stdout.write(f"{len(inventory.lamps)} lamps on {len(inventory.gateways)} gateways\n")


@admin.command("make-inventory")
def make_inventory_command(
    lamps: Annotated[Path, typer.Argument(help="GeoJSON or CSV of lamps.")],
    output: Annotated[Path, typer.Argument(help="The inventory document to write; must not exist.")],
    zone: Annotated[str, typer.Option(help="IANA time zone of the lamps.")] = "Asia/Jakarta",
) -> None:
    """Assign a list of lamps to gateways by distance: up to 100 per gateway, 50 per line."""
    inventory = read_place(lamps, zone)
    if output.exists():
        raise UsageError(f"{output}: already exists, expected the name of a new file")
    # A list of lamps has no meters.
    output.write_bytes(encode(replace(inventory, cabinets=[])))
    sys.stdout.write(f"{len(inventory.lamps)} lamps on {len(inventory.gateways)} gateways: {output}\n")


@admin.command("gateway-configs")
def gateway_configs_command(
    out: Annotated[Path, typer.Option(help="Folder for the files, one per gateway.")],
    inventory: Annotated[
        Path | None, typer.Option(help="Inventory document (JSON); that of the cloud if omitted.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="Host name of the broker; left to fill in if omitted.")
    ] = None,
    baud: Annotated[int, typer.Option(help="Baud rate of every line.")] = 9600,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Write a gateway.toml for every gateway, with comments on what to fill in on site."""
    from lentera.gateway_config import Defaults, write_gateway_files

    if inventory is not None and not inventory.is_file():
        raise UsageError(f"{inventory}: no such file")
    if inventory is None:
        from cloud.inventory.store import InventoryStore

        place = InventoryStore(_engine()).load()
    else:
        place = decode(inventory.read_bytes(), inventory.name)
    defaults = Defaults(baud=baud) if broker is None else Defaults(broker, baud=baud)
    with as_usage_errors(OSError):
        written = write_gateway_files(place, out, defaults, overwrite=overwrite)
    sys.stdout.write("".join(f"{path}\n" for path in written.paths))
    for gateway in written.without_devices:
        sys.stderr.write(f"{gateway}: no lamp and no cabinet, nothing written\n")
    sys.stdout.write(f"{len(written.paths)} gateways: replace each FILL-IN, on the machine of that gateway\n")


@admin.command("create-user")
def create_user_command(
    username: Annotated[str, typer.Argument(help="Name to log in with.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help=PROMPT_HELP)
    ] = "",
) -> None:
    """Create a user."""
    from cloud.access.administration import create_user
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        create_user(_engine(), username, password=password, role=role, now=clock_from(os.environ).now())


@admin.command("list-users")
def list_users_command() -> None:
    """Print every user: name, role, with or without password, number of valid API tokens."""
    from cloud.access.administration import list_users

    for user in list_users(_engine()):
        way = "password" if user.has_password else "no password"
        sys.stdout.write(f"{user.principal.name}\t{user.principal.role}\t{way}\t{user.tokens} tokens\n")


@admin.command("remove-user")
def remove_user_command(username: Annotated[str, typer.Argument(help="Name of the user.")]) -> None:
    """Remove a user and end all sessions and API tokens at once."""
    from cloud.access.administration import remove_user
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        remove_user(_engine(), username)


@admin.command("set-password")
def set_password_command(
    username: Annotated[str, typer.Argument(help="Name of the user.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help=PROMPT_HELP)
    ] = "",
) -> None:
    """Change a user's password and end their sessions."""
    from cloud.access.administration import set_password
    from cloud.access.model import AccessError

    with as_usage_errors(AccessError):
        set_password(_engine(), username, password)


@admin.command("create-token")
def create_token_command(
    username: Annotated[str, typer.Argument(help="Name of the user.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 365,
) -> None:
    """Create an API token for a user and print it; it cannot be shown again."""
    from cloud.access.administration import create_token
    from cloud.access.model import AccessError

    now = clock_from(os.environ).now()
    with as_usage_errors(AccessError):
        token = create_token(_engine(), username, now=now, lifetime=timedelta(days=days))
    sys.stdout.write(token + "\n")


@admin.command("revoke-token")
def revoke_token_command(
    username: Annotated[
        str | None, typer.Argument(help="User whose tokens all end; if omitted, one token is typed in.")
    ] = None,
) -> None:
    """End every API token of a user, or a single token that is typed in."""
    from cloud.access.administration import revoke_token, revoke_tokens
    from cloud.access.model import AccessError

    engine = _engine()
    with as_usage_errors(AccessError):
        if username is None:
            revoke_token(engine, typer.prompt("Token", hide_input=True))
        else:
            sys.stdout.write(f"{revoke_tokens(engine, username)} tokens ended\n")


@admin.command("create-gateway-key")
def create_gateway_key_command(gateway: Annotated[str, typer.Argument(help="Id of the gateway.")]) -> None:
    """Create the key that signs the bundles of a gateway; copy its file to the gateway securely."""
    from cloud.ingest.transfer import create_key
    from protocols.transfer.bundle import BundleError

    with as_usage_errors(BundleError, OSError):
        sys.stdout.write(f"{create_key(_config().gateway_keys, gateway)}\n")


@admin.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="File that `lentera edge export` has written.")],
    answer: Annotated[
        Path | None, typer.Option(help="File for the answer to the gateway; FILE.answer if omitted.")
    ] = None,
) -> None:
    """Store the records of a gateway's export; a file with an invalid signature is refused."""
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
    sys.stdout.write(
        f"{stored.records} records of {stored.gateway} stored; now import {reply} on that gateway\n"
    )


def _engine() -> "Engine":
    from cloud.database import UnsupportedDatabaseError, create_engine

    with as_usage_errors(UnsupportedDatabaseError):
        return create_engine(_config().database_url)


def _config() -> "CloudConfig":
    from cloud.config import CloudConfigError, load_config

    with as_usage_errors(CloudConfigError):
        return load_config()
