"""A short storm of random faults loses and doubles nothing, and losses made on purpose do not go unseen.

`make chaos` raises the long one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import sabotage
from tests.chaos.audit import Verdict
from tests.chaos.faults import KINDS
from tests.chaos.storm import DRAIN_S, Storm
from tests.chaos.town import GATEWAYS, ChaosTown, running_town
from tests.chaos.witness import Taken
from tests.conftest import require_program

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]

SEED = 3940  # all kinds of fault, and clocks that are wrong until that is noticed
FAULTS = 30

RECORDS = {"LampReading", "CabinetReading", "DeviceEvent", "CommandResult"}
ONE_READING = "(lamp, time_ms) IN (SELECT lamp, time_ms FROM readings LIMIT 1)"


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """A storm over a town of its own."""
    require_program("mosquitto")
    folder: Path = tmp_path_factory.mktemp("chaos")
    with running_town(folder, SEED) as town:
        yield Storm(town, SEED)


@pytest.fixture
def town(storm: Storm) -> ChaosTown:
    """The town under the storm."""
    return storm._town


def test_a_storm_loses_and_doubles_nothing(storm: Storm) -> None:
    """Kills, cuts, bad links, full disks, locked files, wrong clocks: every record is stored once.

    Only a record that had a bit flipped before the cloud had it may be put aside.
    """
    verdict = storm.burst(FAULTS)
    report = "\n".join([*storm.toll.lines(), *verdict.examples()])
    assert storm.toll.holds, report
    assert storm.toll.records.keys() == RECORDS, report
    assert verdict.records > 10 * FAULTS, report


def test_every_kind_of_fault_came(storm: Storm) -> None:
    """Where no small disk may be mounted the storm is without full ones, and says so."""
    if storm.toll.left_out:
        pytest.skip(str(storm.toll.left_out))
    assert set(storm.toll.faults) == set(KINDS)


def test_records_forgotten_on_disk_are_seen(town: ChaosTown) -> None:
    """Rows that vanish from an outbox before the cloud has them."""
    known = town.audit()
    positions = sabotage.backlog(town, GATEWAYS[0])
    sabotage.forget_on_disk(town, GATEWAYS[0], positions)
    town.set_network(GATEWAYS[0])
    town.drain(DRAIN_S)
    assert _new(town.audit(), known) == [(GATEWAYS[0], each) for each in positions]


def test_a_dropped_batch_that_was_acknowledged_is_seen(town: ChaosTown) -> None:
    """Records that the cloud said it had, and had not."""
    known = town.audit()
    positions = sabotage.backlog(town, GATEWAYS[1])
    sabotage.acknowledge_unstored(town, GATEWAYS[1], positions)
    town.drain(DRAIN_S)
    assert _new(town.audit(), known) == [(GATEWAYS[1], each) for each in positions]


def test_a_reading_that_no_outbox_took_is_seen(town: ChaosTown) -> None:
    """The same reading under another time: stored twice."""
    known = len(town.audit().unaccounted)
    doubled = "INSERT INTO readings (lamp, time_ms) SELECT lamp, time_ms + 1 FROM readings LIMIT 1"
    assert sabotage.change_store(town, doubled) == 1
    assert len(town.audit().unaccounted) == known + 1


def test_a_reading_of_another_year_is_seen(town: ChaosTown) -> None:
    """One that was stamped by a wrong clock."""
    known = len(town.audit().misdated)
    year_ms = 365 * 86_400_000
    later = f"INSERT INTO readings (lamp, time_ms) SELECT lamp, time_ms + {year_ms} FROM readings LIMIT 1"  # noqa: S608
    assert sabotage.change_store(town, later) == 1
    assert len(town.audit().misdated) == known + 1


def test_a_record_put_aside_that_nothing_had_spoiled_is_seen(town: ChaosTown) -> None:
    """One that had a bit flipped behind the storm's back."""
    known = len(town.audit().given_up)
    sabotage.spoil_unseen(town, GATEWAYS[0])
    town.drain(DRAIN_S)
    assert len(town.audit().given_up) == known + 1


def test_another_value_is_seen(town: ChaosTown) -> None:
    """A reading that is stored with the power of another lamp."""
    known = len(town.audit().altered)
    changed = f"UPDATE readings SET active_power_w = 7777 WHERE {ONE_READING}"  # noqa: S608
    assert sabotage.change_store(town, changed) == 1
    assert len(town.audit().altered) == known + 1


def test_a_reading_that_vanishes_from_the_store_is_seen(town: ChaosTown) -> None:
    """A reading that was stored, and is not any more."""
    known = town.audit()
    newest = "(lamp, time_ms) IN (SELECT lamp, time_ms FROM readings ORDER BY time_ms LIMIT 1 OFFSET 9)"
    assert sabotage.change_store(town, f"DELETE FROM readings WHERE {newest}") == 1  # noqa: S608
    assert len(_new(town.audit(), known)) == 1


def _new(found: Verdict, known: Verdict) -> list[tuple[str, int]]:
    before = {_place(taken) for taken in known.lost}
    return sorted(_place(taken) for taken in found.lost if _place(taken) not in before)


def _place(taken: Taken) -> tuple[str, int]:
    return taken.gateway_id, taken.position
