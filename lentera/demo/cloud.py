"""Prepares the demo's cloud: creates the databases, imports the inventory, creates a user."""

from dataclasses import dataclass
from pathlib import Path

from cloud.access.administration import create_one_time_login, create_token, create_user
from cloud.database import create_engine, upgrade
from cloud.provisioning import import_inventory
from protocols.clock import Clock
from protocols.inventory.model import Inventory

DEMO_USER = "operator"


@dataclass(frozen=True, slots=True)
class CloudAccess:
    """The addresses of a demo's databases, and the means to log in."""

    database_url: str
    telemetry_url: str
    token: str
    one_time_login: str


def prepare_cloud(folder: Path, inventory: Inventory, clock: Clock) -> CloudAccess:
    """Create the databases in `folder`, import the inventory, and create one operator."""
    database_url = f"sqlite:///{folder / 'cloud.db'}"
    engine = create_engine(database_url)
    try:
        upgrade(engine)
        import_inventory(engine, inventory)
        create_user(engine, DEMO_USER, password=None, role="operator", now=clock.now())
        return CloudAccess(
            database_url=database_url,
            telemetry_url=f"sqlite:///{folder / 'telemetry.db'}",
            token=create_token(engine, DEMO_USER, now=clock.now()),
            one_time_login=create_one_time_login(engine, DEMO_USER, now=clock.now()),
        )
    finally:
        engine.dispose()
