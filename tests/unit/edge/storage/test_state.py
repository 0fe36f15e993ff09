"""What a gateway remembers over a restart."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.storage import state
from edge.storage.sqlite_file import Work
from edge.storage.state import StateStore
from protocols.lamp import LightCommand
from protocols.lighting.priority import Override
from tests.conftest import eventually

NIGHT = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


async def opened(path: Path) -> StateStore:
    memory = StateStore(path)
    await memory.open()
    return memory


async def test_overrides_stay_until_they_are_replaced_or_ended(tmp_path: Path) -> None:
    lasting = Override("c1", 40, NIGHT, None)
    timed = Override("c2", 0, NIGHT, NIGHT + timedelta(hours=2))
    memory = await opened(tmp_path / "m.db")
    await memory.save_overrides({"a": lasting, "b": lasting})
    await memory.save_overrides({"b": timed, "c": timed})
    await memory.save_overrides({"c": None})
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    assert await memory.overrides() == {"a": lasting, "b": timed}
    await memory.close()


async def test_the_session_number_goes_on_over_restarts_and_wraps(tmp_path: Path) -> None:
    memory = await opened(tmp_path / "m.db")
    assert [await memory.next_birth_death_number() for _ in range(3)] == [0, 1, 2]
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    numbers = [await memory.next_birth_death_number() for _ in range(254)]
    assert numbers == [*range(3, 256), 0]
    await memory.close()


async def test_boot_counters(tmp_path: Path) -> None:
    memory = await opened(tmp_path / "m.db")
    await memory.save_boot_counters({"a": 1, "b": 2})
    await memory.save_boot_counters({"b": 3})
    assert await memory.boot_counters() == {"a": 1, "b": 3}
    await memory.close()


async def test_commands_wait_are_begun_and_are_forgotten(tmp_path: Path) -> None:
    first = LightCommand("c1", "a", 40, NIGHT, NIGHT + timedelta(minutes=5), None, 1.5)
    ending = LightCommand("c1", "b", None, NIGHT, NIGHT + timedelta(minutes=5), NIGHT + timedelta(hours=1))
    other = LightCommand("c2", "a", 0, NIGHT, NIGHT + timedelta(minutes=5), None)
    memory = await opened(tmp_path / "m.db")
    await memory.save_commands([first, ending])
    await memory.save_commands([other])
    await memory.forget_commands([("c2", "a"), ("never", "there")])
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    assert list(memory.waiting_commands.values()) == [first, ending]
    override = Override("c1", 40, NIGHT, None)
    await memory.begin_commands([first], {"a": override})
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    assert list(memory.waiting_commands.values()) == [ending]
    assert list(memory.begun_commands.values()) == [first]
    assert await memory.overrides() == {"a": override}
    await memory.forget_commands([("c1", "a")])
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    assert (list(memory.waiting_commands.values()), memory.begun_commands) == ([ending], {})
    await memory.close()


async def test_what_changes_while_everything_is_written_again_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails once; while the whole state is written afterwards, another override is set."""
    monkeypatch.setattr(state, "_RETRY_S", 0.0)
    lasting = Override("c1", 40, NIGHT, None)
    memory = await opened(tmp_path / "m.db")
    write, calls = memory.disk.run, 0

    async def failing_once(work: Work) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise sqlite3.OperationalError("database or disk is full")
        result = await write(work)
        if calls == 2:
            await memory.save_overrides({"b": lasting})
        return result

    monkeypatch.setattr(memory.disk, "run", failing_once)
    await memory.save_overrides({"a": lasting})
    retrying = asyncio.create_task(memory.run())
    await eventually(lambda: calls == 3, 5, "another write of the whole state")
    retrying.cancel()
    await asyncio.gather(retrying, return_exceptions=True)
    await memory.close()
    memory = await opened(tmp_path / "m.db")
    assert await memory.overrides() == {"a": lasting, "b": lasting}
    await memory.close()
