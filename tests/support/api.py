"""A small town's API for tests: open services, clients of each role, and what ingest would leave behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from cloud.access.administration import create_token, create_user
from cloud.alarms.store import AlarmRow
from cloud.app import create_app
from cloud.config import CloudConfig
from cloud.database import table_of, upsert, writing
from cloud.live.feed import LiveFeed
from cloud.provisioning import import_inventory
from cloud.services import Services
from cloud.state.store import GatewayStateRow, LampStateRow
from cloud.wiring import open_services
from protocols.clock import to_unix_ms
from protocols.inventory.model import Area, Cabinet, Gateway, Inventory, Lamp, Road
from tests.conftest import eventually
from tests.support.clocks import FakeClock
from tests.support.documented import check_documented

EVENING = datetime(2026, 8, 10, 13, 0, tzinfo=UTC)  # 20:00 in Soreang: lamps are on at 100 %


@dataclass
class Api:
    """An application under test."""

    app: FastAPI
    services: Services
    clock: FakeClock
    tokens: dict[str, str]

    def client(self, role: str | None = "operator") -> httpx.AsyncClient:
        """A client that bears a token of the role, or none; each answer must be as the API documents it."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(
            transport=transport,
            base_url="http://localhost",
            headers=headers,
            event_hooks={"response": [check_documented]},
        )

    def read(self, lamp_id: str, **values: object) -> None:
        """Leave a reading of a lamp as ingest does; what isn't given is a healthy lamp at full light."""
        row: dict[str, object] = {
            "lamp_id": lamp_id,
            "gateway_id": "soreang-01",
            "online": True,
            "time_ms": to_unix_ms(self.clock.now()),
            "target_level_percent": 100,
            "feedback_level_percent": 100,
            "reason": "program",
            "actual_level_percent": 100.0,
            "active_power_w": 90.0,
            "supply_voltage_v": 229.0,
            **values,
        }
        with writing(self.services.engine) as connection:
            upsert(connection, table_of(LampStateRow), [row])

    def gateway(self, gateway_id: str, online: bool) -> None:
        """Leave a gateway's state as ingest does."""
        row = {
            "gateway_id": gateway_id,
            "area_id": "32.04.37",
            "online": online,
            "since_ms": 0,
            "epoch": None,
        }
        with writing(self.services.engine) as connection:
            upsert(connection, table_of(GatewayStateRow), [row])

    def alarm(self, device_id: str, kind: str, **values: object) -> int:
        """Leave an alarm as ingest does; its id."""
        row: dict[str, object] = {
            "device_id": device_id,
            "lamp_id": device_id,
            "gateway_id": "soreang-01",
            "area_id": "32.04.37",
            "type": kind,
            "severity": "critical",
            "raised_ms": to_unix_ms(self.clock.now()),
            "info": "",
            **values,
        }
        with writing(self.services.engine) as connection:
            statement = sa.insert(AlarmRow).values(row).returning(AlarmRow.id)
            return connection.execute(statement).scalar_one()


def small_town() -> Inventory:
    """Two areas, two gateways, five lamps, a road and a cabinet."""
    return Inventory(
        areas=[Area("32.04.37", "Soreang", -7.03, 107.52), Area("32.04.38", "Pasirjambu", -7.08, 107.48)],
        gateways=[
            Gateway("soreang-01", "32.04.37", -7.03, 107.52, "Asia/Jakarta"),
            Gateway("pasirjambu-01", "32.04.38", -7.08, 107.48, "Asia/Jakarta"),
        ],
        lamps=[
            Lamp("SOR-1", "32.04.37", "soreang-01", 1, 1, -7.03, 107.52, "Jalan Al-Fathu"),
            Lamp("SOR-2", "32.04.37", "soreang-01", 1, 2, -7.031, 107.521, "Jalan Al-Fathu"),
            Lamp("SOR-3", "32.04.37", "soreang-01", 1, 3, -7.032, 107.522, "Jalan 100%"),
            Lamp("PAS-1", "32.04.38", "pasirjambu-01", 1, 1, -7.08, 107.48, "Jalan Raya", 60.0),
            Lamp("PAS-2", "32.04.38", "pasirjambu-01", 1, 2, -7.081, 107.481, "Jalan Raya", 60.0),
        ],
        roads=[Road("Jalan Al-Fathu", "32.04.37", [(107.52, -7.03), (107.522, -7.032)])],
        cabinets=[Cabinet("soreang-01-cabinet", "soreang-01", 1, 201, 202)],
    )


@asynccontextmanager
async def running(feed: LiveFeed) -> AsyncIterator[None]:
    """The feed connected to its broker while the block runs."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(feed.run())
        await eventually(lambda: feed.connected, what="the broker")
        yield
        task.cancel()


@contextmanager
def open_api(database_url: str, folder: Path, mqtt_port: int = 1) -> Iterator[Api]:
    """An application over the database, with the small town and one user of each role."""
    clock = FakeClock(EVENING)
    telemetry_url = f"sqlite:///{folder / 'telemetry.db'}"
    config = CloudConfig(database_url=database_url, telemetry_url=telemetry_url, mqtt_port=mqtt_port)
    services = open_services(config, clock)
    try:
        import_inventory(services.engine, small_town())
        tokens = {}
        for role in ("viewer", "operator", "admin"):
            create_user(services.engine, role, password=None, role=role, now=clock.now())
            tokens[role] = create_token(services.engine, role, now=clock.now())
        yield Api(create_app(services), services, clock, tokens)
    finally:
        services.close()
