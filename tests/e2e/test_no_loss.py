"""Broker, ingester and gateway killed at night: the outbox, the store and the simulator's log must agree."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.support.whole_town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

TOWN = ("--lamps", "100", "--faults", "0", "--speed", "60", "--baud", "19200")
READINGS_BY_LAMP = "SELECT id, COUNT(*) FROM readings JOIN lamps ON lamps.key = readings.lamp GROUP BY id"


def test_kills_lose_and_double_nothing(town: Town) -> None:
    """Every record an outbox ever took is stored exactly once, and every answered poll is a record."""
    for name in ("ingest", "edge", "broker"):
        wait_until(lambda: _grows(town), what="a reading after the last kill")
        town.kill(name)
    wait_until(lambda: _grows(town), 60, "a reading after the broker's return")
    wait_until(lambda: _grows(town), 60, "readings that go on")
    for gateway in _gateways(town):
        town.sim.post(f"/sim/v1/gateways/{gateway}/network", json={"up": False}).raise_for_status()
    wait_until(lambda: _waiting(town) > len(_gateways(town)) * 5, 60, "a backlog")
    for gateway in _gateways(town):
        town.sim.post(f"/sim/v1/gateways/{gateway}/network", json={"up": True}).raise_for_status()
    _stop_polling(town)
    wait_until(lambda: _waiting(town) == 0, 60, "outboxes that are empty")

    taken = sum(_positions(path) for path in _outboxes(town))
    assert taken == _stored_readings(town) + _stored_records(town)
    _assert_polls_were_recorded(town)


def _stop_polling(town: Town) -> None:
    """Silence every lamp and cabinet, so that nothing new is read while the last is on its way."""
    for lamp_id in town.truth():
        town.sim.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": "silent"}).raise_for_status()
    for gateway in _gateways(town):
        town.sim.post(f"/sim/v1/gateways/{gateway}/faults", json={"type": "silent"}).raise_for_status()


def _assert_polls_were_recorded(town: Town) -> None:
    """A poll the simulator answered is a stored reading, but for one in flight a line when the edge died."""
    log = town.sim.get("/sim/v1/log").raise_for_status().json()["items"]
    answered = Counter(entry["lampId"] for entry in log)
    stored = Counter(dict(_rows(town.folder / "telemetry.db", READINGS_BY_LAMP)))
    lines = len(list((town.folder / "lines").iterdir()))
    missing = sum((answered - stored).values())
    assert missing <= lines
    assert stored - answered == Counter()


def _gateways(town: Town) -> list[str]:
    return [path.stem for path in (town.folder / "gateways").glob("*.toml")]


def _outboxes(town: Town) -> list[Path]:
    return sorted((town.folder / "gateways").glob("*.outbox.db"))


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _scalar(path: Path, query: str) -> int:
    rows = _rows(path, query)
    return int(rows[0][0] or 0) if rows else 0


def _positions(path: Path) -> int:
    return _scalar(path, "SELECT seq FROM sqlite_sequence WHERE name = 'records'")


def _waiting(town: Town) -> int:
    return sum(_scalar(path, "SELECT COUNT(*) FROM records") for path in _outboxes(town))


def _stored_readings(town: Town) -> int:
    counts = (f"SELECT COUNT(*) FROM {table}" for table in ("readings", "cabinet_readings"))  # noqa: S608
    return sum(_scalar(town.folder / "telemetry.db", query) for query in counts)


def _stored_records(town: Town) -> int:
    return _scalar(town.folder / "cloud.db", "SELECT COUNT(*) FROM events")


def _grows(town: Town) -> bool:
    """Whether the store holds more readings than at the last call."""
    count = _stored_readings(town)
    before = getattr(town, "readings_seen", 0)
    town.readings_seen = count  # type: ignore[attr-defined]
    return count > before > 0
