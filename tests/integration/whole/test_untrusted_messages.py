"""Messages that no decoder can read, on every topic of a running town: none of them ends a process."""

import asyncio
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiomqtt
import pytest

from protocols.metrics import COMMAND_RESULT_RECORD, EVENT_RECORD
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MetricValue, Payload, encode
from tests.conftest import require_program, wait_until
from tests.support.decoders import HOSTILE_BYTES
from tests.support.whole_town import Town, start_town

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Twelve lamps at night."""
    require_program("mosquitto")
    with start_town(tmp_path, "--lamps", "12", "--speed", "10") as town:
        yield town


def test_no_message_ends_a_process(town: Town) -> None:
    """The same processes run afterwards, the gateways are online, and a command reaches its lamps."""
    before = _pids(town)
    asyncio.run(_publish_hostile_messages(_broker_port(town), _gateways(town)))
    _switch(town, 37)
    assert _pids(town) == before
    for log in (town.folder / "processes").glob("*.log"):
        text = log.read_text(errors="replace")
        # The guard around each subscriber is the last resort: what this test sends has errors of its own.
        assert "message_failed" not in text, log
        assert "Traceback" not in text, log


def _switch(town: Town, level_percent: int) -> None:
    lamp_ids = sorted(town.lamps())
    reached = town.api.post("/api/v1/commands", json={"lampIds": lamp_ids, "level": level_percent})
    reached.raise_for_status()
    wait_until(
        lambda: all(abs(lamp["trueLevel"] - level_percent) < 1 for lamp in town.truth().values()),
        what=f"every lamp at {level_percent} %",
    )


async def _publish_hostile_messages(port: int, gateways: Sequence[tuple[str, str]]) -> None:
    area, gateway = gateways[0]
    own = f"spBv1.0/{area}"
    topics = [
        "lentera/v1/live",
        "spBv1.0/STATE/lentera",
        *(f"{own}/{kind}/{gateway}" for kind in ("NBIRTH", "NDATA", "NDEATH", "NCMD")),
        *(f"{own}/{kind}/{gateway}/SOR-00001" for kind in ("DBIRTH", "DDATA", "DDEATH", "DCMD")),
    ]
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for body in HOSTILE_BYTES.values():
            for topic in topics:
                # Retained as an attacker would: STATE reaches each gateway again when it connects.
                await client.publish(topic, body, qos=1, retain=topic.startswith("spBv1.0/STATE"))
            for record in (EVENT_RECORD, COMMAND_RESULT_RECORD):
                await client.publish(f"{own}/NDATA/{gateway}", _record_message(record, body), qos=1)


def _record_message(record: str, body: bytes) -> bytes:
    text = MetricValue(record, None, DataType.STRING, body.decode("latin-1"), 1)
    return encode(Payload(1, [text], seq=0))


def _gateways(town: Town) -> list[tuple[str, str]]:
    files = sorted((town.folder / "gateways").glob("*.toml"))
    heads = [tomllib.loads(path.read_text(encoding="utf-8"))["gateway"] for path in files]
    return [(head["area"], head["id"]) for head in heads]


def _broker_port(town: Town) -> int:
    (config,) = town.folder.rglob("mosquitto.conf")
    return int(config.read_text(encoding="utf-8").split()[1])


def _pids(town: Town) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in (town.folder / "processes").glob("*.pid")}
