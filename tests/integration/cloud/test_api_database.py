"""The schema and the stores on SQLite and on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cloud.alarms.store import AlarmRow
from cloud.commands.model import Command
from cloud.commands.store import CommandStore, overrides_in_force, record_results
from cloud.database import create_engine, migration_config, table_of, upgrade, writing
from cloud.inventory.store import InventoryStore
from cloud.migrations.schema import METADATA
from cloud.provisioning import import_inventory, lamps_removed_by
from cloud.state.store import LampStateRow
from protocols.clock import to_unix_ms
from protocols.inventory.model import InventoryError
from protocols.lamp import CommandResult, CommandStatus
from tests.support.api import Api, small_town

NOON = datetime(2026, 8, 10, 5, tzinfo=UTC)


def test_migrations_lead_to_the_models(database_url: str) -> None:
    """A database that was migrated is the one that the code speaks of."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_migrations_can_be_undone(database_url: str) -> None:
    """Going back leaves nothing behind but Alembic's own table."""
    engine = create_engine(database_url)
    config = migration_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    """API and ingester may come up at the same moment on an empty database."""
    engines = [create_engine(empty_database_url) for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(upgrade, engines))
    assert "lamps" in sa.inspect(engines[0]).get_table_names()
    for engine in engines:
        engine.dispose()


def test_an_inventory_comes_back_as_it_went_in(database_url: str) -> None:
    """Nothing is lost or rounded."""
    engine = create_engine(database_url)
    town = small_town()
    import_inventory(engine, town)
    stored = InventoryStore(engine).load()
    assert sorted(stored.lamps, key=lambda lamp: lamp.id) == sorted(town.lamps, key=lambda lamp: lamp.id)
    assert (stored.roads, stored.areas) == (town.roads, town.areas)
    assert stored.cabinets == town.cabinets
    assert {gateway.id for gateway in stored.gateways} == {"soreang-01", "pasirjambu-01"}
    engine.dispose()


def test_an_import_replaces_what_was_there(database_url: str) -> None:
    """Lamps that moved have moved; those that are gone are gone."""
    engine = create_engine(database_url)
    town = small_town()
    import_inventory(engine, town)
    moved = replace(town.lamps[0], latitude=-7.5, road="Jalan Baru")
    gone = {"PAS-1", "PAS-2"}
    kept = [lamp for lamp in town.lamps[1:] if lamp.id not in gone]
    smaller = replace(
        town,
        areas=town.areas[:1],
        gateways=town.gateways[:1],
        lamps=[moved, *kept],
        roads=[],
        cabinets=[],
    )
    import_inventory(engine, smaller)
    stored = InventoryStore(engine).load()
    assert {lamp.id: lamp for lamp in stored.lamps}["SOR-1"] == moved
    assert {lamp.id for lamp in stored.lamps} == {"SOR-1", "SOR-2", "SOR-3"}
    assert [len(stored.areas), len(stored.gateways), stored.roads, stored.cabinets] == [1, 1, [], []]
    engine.dispose()


def test_what_is_removed_has_no_alarms_and_no_state(api: Api) -> None:
    """A lamp that was taken down is not reported dark for ever."""
    engine, town = api.services.engine, small_town()
    api.read("PAS-1")
    api.read("SOR-1")
    kept, gone = api.alarm("SOR-1", "lampFailure"), api.alarm("PAS-1", "lampFailure", info="0.2 W")
    import_inventory(engine, replace(town, lamps=town.lamps[:3]), NOON)
    with engine.connect() as connection:
        alarms = {row.id: row for row in connection.execute(sa.select(table_of(AlarmRow)))}
        states = connection.scalars(sa.select(LampStateRow.lamp_id)).all()
    assert alarms[kept].cleared_ms is None
    assert (alarms[gone].cleared_ms, alarms[gone].info) == (
        to_unix_ms(NOON),
        "0.2 W; removed from the inventory",
    )
    assert states == ["SOR-1"]


def test_a_city_without_lamps_is_refused(api: Api) -> None:
    """An empty document is a mistake."""
    with pytest.raises(InventoryError, match="lamps: none, expected at least one"):
        import_inventory(api.services.engine, replace(small_town(), lamps=[]))
    smaller = replace(small_town(), lamps=small_town().lamps[:3])
    assert lamps_removed_by(api.services.engine, smaller) == (2, 5)


def test_a_bad_inventory_changes_nothing(database_url: str) -> None:
    """A gateway in no time zone is named, and the old inventory stays."""
    engine = create_engine(database_url)
    town = small_town()
    import_inventory(engine, town)
    nowhere = replace(town.gateways[0], time_zone="Asia/Soreang")
    with pytest.raises(InventoryError, match=r"soreang-01.*'Asia/Soreang', expected an IANA time zone"):
        import_inventory(engine, replace(town, gateways=[nowhere, town.gateways[1]], lamps=[]))
    assert len(InventoryStore(engine).load().lamps) == 5
    engine.dispose()


def _command(number: int, level: int | None, expiration: datetime | None = None) -> Command:
    created = NOON + timedelta(minutes=number)
    return Command(f"c{number}", level, created, created + timedelta(seconds=30), expiration, "ana", "")


def _confirmed(number: int, lamp_id: str = "SOR-1") -> CommandResult:
    time = NOON + timedelta(minutes=number, seconds=1)
    return CommandResult(f"c{number}", lamp_id, CommandStatus.CONFIRMED, time, 40)


def test_the_newest_confirmed_command_is_the_override(database_url: str) -> None:
    """In whatever order results arrive, however often, the newest command's override holds."""
    engine = create_engine(database_url)
    store = CommandStore(engine)
    for number in (1, 2, 3):
        store.add(_command(number, 40, NOON + timedelta(hours=1)), ["SOR-1", "SOR-2"])
    for result in (_confirmed(2), _confirmed(1), _confirmed(2)):
        with writing(engine) as connection:
            assert record_results(connection, [result]) == {result.command_id}
    with engine.connect() as connection:
        in_force = overrides_in_force(connection, ["SOR-1", "SOR-2"], to_unix_ms(NOON))
        assert {lamp: override.command_id for lamp, override in in_force.items()} == {"SOR-1": "c2"}
        assert overrides_in_force(connection, None, to_unix_ms(NOON + timedelta(hours=1))) == {}
    engine.dispose()


def test_a_confirmation_stands_whatever_a_gateway_says_after_a_death(database_url: str) -> None:
    """It may answer once more what it could not note as answered, and know less of it than before."""
    engine = create_engine(database_url)
    store = CommandStore(engine)
    store.add(_command(1, 40), ["SOR-1"])
    failed = replace(_confirmed(1), status=CommandStatus.FAILED, level_percent=None, detail="replaced")
    for results in ([failed], [_confirmed(1), failed], [failed]):
        with writing(engine) as connection:
            record_results(connection, results)
    found = store.command("c1")
    assert found is not None
    assert [(each.status, each.level_percent) for each in found[1]] == [(CommandStatus.CONFIRMED, 40)]
    engine.dispose()


def test_a_confirmed_end_ends_the_override(database_url: str) -> None:
    """A command without level puts the lamp back under its program."""
    engine = create_engine(database_url)
    store = CommandStore(engine)
    store.add(_command(1, 40), ["SOR-1"])
    store.add(_command(2, None), ["SOR-1"])
    with writing(engine) as connection:
        record_results(connection, [_confirmed(1), _confirmed(2)])
    with engine.connect() as connection:
        assert overrides_in_force(connection, ["SOR-1"], to_unix_ms(NOON)) == {}
    engine.dispose()


def test_results_of_foreign_commands_are_left_out(database_url: str) -> None:
    """A command that another program sent has no row here, and its result must not make one."""
    engine = create_engine(database_url)
    with writing(engine) as connection:
        assert record_results(connection, [_confirmed(7)]) == set()
    assert CommandStore(engine).command("c7") is None
    engine.dispose()
