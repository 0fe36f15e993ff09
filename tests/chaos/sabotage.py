"""Losses made on purpose, as real ones come about: an audit that misses one is worth nothing."""

import asyncio
import sqlite3
import time
from contextlib import closing

import aiomqtt

from cloud.ingest.acknowledge import acknowledgements
from tests.chaos import witness
from tests.chaos.town import AREA, ChaosTown
from tests.conftest import wait_until

_AT_ONCE = 3


def backlog(town: ChaosTown, gateway_id: str) -> list[int]:
    """Cut the uplink until some records wait behind those under way; their positions."""
    town.set_network(gateway_id, up=False)
    newest = witness.look(gateway_id, town.outbox(gateway_id)).last_position
    wait_until(lambda: len(_waiting(town, gateway_id, newest)) >= _AT_ONCE, what="a backlog")
    return _waiting(town, gateway_id, newest)[:_AT_ONCE]


def forget_on_disk(town: ChaosTown, gateway_id: str, positions: list[int]) -> None:
    """A file system that loses rows in a power cut."""
    process = town.children[f"edge-{gateway_id}"]
    process.kill()
    _change(town.outbox(gateway_id), f"DELETE FROM records WHERE position IN ({_listed(positions)})")  # noqa: S608
    process.start()


def spoil_unseen(town: ChaosTown, gateway_id: str) -> None:
    """A medium that forgets a bit, and a storm that does not know of it."""
    backlog(town, gateway_id)
    process = town.children[f"edge-{gateway_id}"]
    process.kill()
    assert witness.spoil(town.outbox(gateway_id), 0.99) is not None
    process.start()
    town.set_network(gateway_id)


def acknowledge_unstored(town: ChaosTown, gateway_id: str, positions: list[int]) -> None:
    """A cloud that acknowledges a batch it then drops: killed here, and its acknowledgement sent by us."""
    town.children["ingest"].kill()
    town.set_network(gateway_id)
    epoch = witness.look(gateway_id, town.outbox(gateway_id)).epoch
    messages = acknowledgements(AREA.id, gateway_id, epoch, positions, time.time_ns() // 1_000_000)

    async def publish() -> None:
        async with aiomqtt.Client("127.0.0.1", town.broker_port) as client:
            for message in messages:
                await client.publish(message.topic, message.payload, message.qos, message.retain)

    def gone() -> bool:
        asyncio.run(publish())  # again and again: the gateway may still be on its way to the broker
        return not set(positions) & set(_waiting(town, gateway_id, 0))

    wait_until(gone, what="a gateway that accepts the acknowledgement")
    town.children["ingest"].start()


def change_store(town: ChaosTown, statement: str) -> int:
    """Change the stored readings behind everyone's back; the number of rows it met."""
    return _change(town.folder / "telemetry.db", statement)


def _waiting(town: ChaosTown, gateway_id: str, after: int) -> list[int]:
    return sorted(at for at in witness.look(gateway_id, town.outbox(gateway_id)).waiting if at > after)


def _listed(positions: list[int]) -> str:
    return ", ".join(map(str, positions))


def _change(path: object, statement: str) -> int:
    with closing(sqlite3.connect(str(path), timeout=30, isolation_level=None)) as database:
        return database.execute(statement).rowcount
