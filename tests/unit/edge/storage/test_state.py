"""What a gateway remembers over a restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.storage.state import StateStore
from protocols.lamp import LightCommand
from protocols.lighting.priority import Override

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
