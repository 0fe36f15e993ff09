"""What a batch changes, without any store."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from cloud.ingest.assess import assess
from cloud.ingest.batch import Batch, DevicePresence
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.model import KnownState
from protocols.clock import to_unix_ms
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import LampReading
from protocols.sparkplug.host_events import NodeDied

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
NOW_MS = to_unix_ms(DUSK + timedelta(hours=1))
NODE = ("32.04.37", "soreang-01")
LAMP = "SOR-00001"


def inventory() -> InventoryCache:
    area, gateway = Area(NODE[0], "Soreang", 0, 0), Gateway(NODE[1], NODE[0], 0, 0, "Asia/Jakarta")
    lamp = Lamp(LAMP, NODE[0], NODE[1], 1, 1, 0, 0, rated_power_w=90.0)
    cache = InventoryCache(lambda: Inventory([area], [gateway], [lamp]))
    cache.refresh()
    return cache


def lit(minute: float, power_w: float = 90.0) -> LampReading:
    return LampReading(
        LAMP,
        DUSK + timedelta(minutes=minute),
        target_level_percent=100,
        feedback_level_percent=100,
        active_power_w=power_w,
    )


def batch(*readings: LampReading) -> Batch:
    return Batch(readings=list(readings), sources={LAMP: NODE})


def test_assessing_changes_nothing_that_is_known() -> None:
    """A commit that fails is tried again with the same batch, and must come to the same result."""
    known, failing = KnownState(), batch(lit(0), lit(1), lit(2, 1.0), lit(3, 1.0))
    first = assess(failing, known, inventory(), NOW_MS)
    assert (known.lamps, known.gateways, known.alarms.active(LAMP)) == ({}, {}, frozenset())
    again = assess(deepcopy(failing), known, inventory(), NOW_MS)
    assert again == first
    assert [(one.device.id, one.type.value, one.raised) for one in first.alarms.transitions] == [
        (LAMP, "lampFailure", True)
    ]


def test_an_accepted_batch_changes_nothing_a_second_time() -> None:
    known, failing = KnownState(), batch(lit(0), lit(1), lit(2, 1.0), lit(3, 1.0))
    known.accept(assess(failing, known, inventory(), NOW_MS))
    again = assess(failing, known, inventory(), NOW_MS)
    assert (again.lamps, again.alarms.transitions) == ({}, [])


def test_a_reading_of_the_future_counts_for_its_gateway_alone() -> None:
    changes = assess(batch(lit(500), lit(1)), KnownState(), inventory(), NOW_MS)
    assert changes.lamps[LAMP].reading == lit(1)
    assert (dict(changes.ahead), changes.heard) == ({NODE[1]: 1}, {NODE[1]})


def test_devices_are_offline_until_born_after_their_gateway_died() -> None:
    known = KnownState()
    known.accept(assess(batch(lit(0)), known, inventory(), NOW_MS))
    died = Batch()
    died.add_node(NodeDied(*NODE))
    known.accept(assess(died, known, inventory(), NOW_MS))
    assert not known.lamps[LAMP].online
    born = Batch(devices={LAMP: DevicePresence(NODE, online=True)})
    assert assess(born, known, inventory(), NOW_MS).lamps[LAMP].online
