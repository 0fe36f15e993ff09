"""Sparkplug events as records of a batch."""

from datetime import UTC, datetime

import pytest

from cloud.ingest.batch import Batch, DevicePresence, Node, OutboxId
from cloud.ingest.collector import Collector
from cloud.ingest.foreign import ForeignReporter
from cloud.ingest.gateway_presence import GatewayPresence
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LampReading
from protocols.mapping import (
    InvalidMetrics,
    PlanState,
    event_metrics,
    gateway_birth,
    plan_state_metrics,
    position_metric,
    reading_metrics,
    result_metrics,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.host_events import DeviceBorn, DeviceData, DeviceDied, NodeBorn, NodeData, NodeDied
from protocols.sparkplug.payload import MetricValue
from protocols.transfer.records import Record

DUSK = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
NODE = ("32.04.37", "soreang-01")


def _unowned(_device_id: str) -> None:
    return None


READING = LampReading("SOR-00001", DUSK, target_level_percent=100, active_power_w=88.5, lamp_failure=False)


def born(epoch: int = 77) -> NodeBorn:
    return NodeBorn(*NODE, gateway_birth(epoch, 1), 0)


def data(reading: LampReading, position: int) -> DeviceData:
    return DeviceData(*NODE, reading.device_id, [*reading_metrics(reading), position_metric(position, 1)], 1)


def test_records_with_their_places_in_the_outbox() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    event = DeviceEvent("SOR-00001", EventType.DEVICE_RESET, DUSK, True)
    result = CommandResult("c1", "SOR-00001", CommandStatus.CONFIRMED, DUSK, 40)
    collector.add(batch, born())
    collector.add(batch, data(READING, 5))
    collector.add(batch, NodeData(*NODE, [*event_metrics(event), position_metric(6, 1)], 1))
    collector.add(batch, NodeData(*NODE, [*result_metrics(result), position_metric(7, 1)], 1))
    assert batch.readings == [READING]
    assert [(one.gateway_id, one.epoch, one.position, one.event) for one in batch.events] == [
        ("soreang-01", 77, 6, event)
    ]
    assert batch.results == [result]
    assert dict(batch.positions) == {OutboxId(NODE, 77): [5, 6, 7]}


def test_a_wiped_gateway_is_acknowledged_in_its_new_epoch() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    for epoch in (77, 99):
        collector.add(batch, born(epoch))
        collector.add(batch, data(READING, 1))
    assert dict(batch.positions) == {OutboxId(NODE, 77): [1], OutboxId(NODE, 99): [1]}


def test_a_foreign_node_is_taken_and_owed_no_acknowledgement() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    collector.add(batch, NodeBorn(*NODE, [], 0))
    collector.add(batch, DeviceData(*NODE, "SOR-00001", reading_metrics(READING), 1))
    assert batch.readings == [READING]
    assert not batch.positions


def test_what_can_never_be_stored_is_reported_and_its_position_settled() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    collector.add(batch, born())
    broken = [MetricValue("Gateway/event", None, DataType.STRING, "{", 1), position_metric(5, 1)]
    evil = DeviceEvent("SOR-00001", EventType.DEVICE_RESET, DUSK, True, "a\0b")
    for bad in (
        NodeData(*NODE, broken, 1),
        NodeData(*NODE, [*event_metrics(evil), position_metric(6, 1)], 1),
        data(LampReading("SOR-00001", DUSK, switch_on_counter=2**32 - 1, target_level_percent=101), 7),
        data(LampReading("evil\nlamp", DUSK), 8),
    ):
        with pytest.raises(InvalidMetrics, match=r"expected|truncated"):
            collector.add(batch, bad)
    assert dict(batch.positions) == {OutboxId(NODE, 77): [5, 6, 7, 8]}
    kept = [(one.gateway_id, one.device_id) for one in batch.malformed]
    assert kept == [(NODE[1], ""), (NODE[1], ""), (NODE[1], "SOR-00001"), (NODE[1], "evil\nlamp")]
    assert '"{"' in batch.malformed[0].content
    assert not batch.readings
    assert not batch.events


def test_an_unexpected_error_leaves_the_record_unacknowledged() -> None:
    """The guard around messages leaves the message out, so the gateway must keep its record."""
    failing = False

    def owner(_device_id: str) -> None:
        if failing:
            raise ZeroDivisionError

    batch, collector = Batch(), Collector(owner, ForeignReporter().foreign_message)
    collector.add(batch, born())
    failing = True
    with pytest.raises(ZeroDivisionError):
        collector.add(batch, data(READING, 1))
    assert not batch.positions


def test_an_identifier_of_any_script_is_stored() -> None:
    """What the inventory takes as an id, ingest takes: a no-break space is one that some lists have."""
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    collector.add(batch, born())
    reading = LampReading("PJU\u00a012 \u2013 안산", DUSK)
    collector.add(batch, data(reading, 1))
    assert batch.readings == [reading]


def test_what_is_not_acknowledged_is_not_kept() -> None:
    """A foreign node that sends what cannot be read must not fill a table with it."""
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    collector.add(batch, NodeBorn(*NODE, [], 0))
    broken = [MetricValue("Gateway/event", None, DataType.STRING, "{", 1), position_metric(5, 1)]
    with pytest.raises(InvalidMetrics):
        collector.add(batch, NodeData(*NODE, broken, 1))
    assert not batch.malformed
    assert not batch.positions


def test_a_transferred_record_that_no_store_takes_is_kept() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    with pytest.raises(InvalidMetrics):
        collector.add_carried(
            batch, OutboxId(NODE, 77), 9, LampReading("SOR-00001", DUSK, target_level_percent=101)
        )
    assert dict(batch.positions) == {OutboxId(NODE, 77): [9]}
    assert [one.device_id for one in batch.malformed] == ["SOR-00001"]


def test_the_last_word_on_presence_counts() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    other = ("32.04.37", "soreang-02")
    collector.add(batch, DeviceBorn(*other, "SOR-00900", []))
    collector.add(batch, DeviceBorn(*NODE, "SOR-00001", []))
    batch.lost = [NODE]
    collector.add(batch, born())
    collector.add(batch, DeviceBorn(*NODE, "SOR-00002", []))
    collector.add(batch, DeviceBorn(*NODE, "SOR-00003", []))
    collector.add(batch, DeviceDied(*NODE, "SOR-00003"))
    assert batch.devices == {
        "SOR-00900": DevicePresence(other, online=True),
        "SOR-00002": DevicePresence(NODE, online=True),
        "SOR-00003": DevicePresence(NODE, online=False),
    }
    assert batch.lost == []
    collector.add(batch, NodeDied(*NODE))
    assert batch.nodes == {NODE: NodeDied(*NODE)}
    assert list(batch.devices) == ["SOR-00900"]


def test_a_gateway_is_missed_once_and_only_after_its_time() -> None:
    presence = GatewayPresence(patience_s=10)
    presence.died(NODE, now_s=100)
    presence.died(NODE, now_s=105)
    assert presence.overdue(109) == []
    assert presence.overdue(110) == [NODE]
    assert presence.overdue(200) == []
    presence.died(NODE, now_s=300)
    presence.born(NODE)
    assert presence.overdue(400) == []
    presence.expect_again([NODE], until_s=500)
    assert presence.overdue(499) == []
    assert presence.overdue(500) == [NODE]


def test_metrics_distinguish_a_cabinet_from_a_lamp() -> None:
    batch, collector = Batch(), Collector(_unowned, ForeignReporter().foreign_message)
    cabinet = CabinetReading("soreang-01-cabinet", DUSK, total_power_kw=3.5, door_open=False)
    collector.add(batch, born())
    metrics = [*reading_metrics(cabinet), position_metric(9, 1)]
    collector.add(batch, DeviceData(*NODE, cabinet.device_id, metrics, 1))
    assert (batch.cabinets, batch.readings) == ([cabinet], [])
    assert dict(batch.positions) == {OutboxId(NODE, 77): [9]}
    assert batch.sources == {cabinet.device_id: NODE}


OTHER = ("32.04.38", "pasirjambu-01")
ELSEWHERE = ("99.99.99", NODE[1])
OWNERS = {"SOR-00001": NODE, "cabinet": NODE, NODE[1]: NODE, OTHER[1]: OTHER}


@pytest.mark.parametrize("node", [OTHER, ELSEWHERE])
def test_a_gateway_speaks_for_its_own_devices_only(node: tuple[str, str]) -> None:
    batch, collector = Batch(), Collector(OWNERS.get, ForeignReporter().foreign_message)
    event = DeviceEvent("SOR-00001", EventType.DEVICE_RESET, DUSK, True)
    result = CommandResult("c1", "SOR-00001", CommandStatus.CONFIRMED, DUSK, 40)
    reading = [*reading_metrics(READING), position_metric(5, 1)]
    door = [*reading_metrics(CabinetReading("cabinet", DUSK, door_open=True)), position_metric(8, 1)]
    collector.add(batch, NodeBorn(*node, gateway_birth(77, 1), 0))
    collector.add(batch, DeviceBorn(*node, "SOR-00001", []))
    collector.add(batch, DeviceData(*node, "SOR-00001", reading, 1))
    collector.add(batch, NodeData(*node, [*event_metrics(event), position_metric(6, 1)], 1))
    collector.add(batch, NodeData(*node, [*result_metrics(result), position_metric(7, 1)], 1))
    collector.add(batch, DeviceData(*node, "cabinet", door, 1))
    collector.add(batch, DeviceDied(*node, "SOR-00001"))
    assert (batch.readings, batch.cabinets, batch.events, batch.results) == ([], [], [], [])
    assert batch.devices == {}
    assert list(batch.nodes) == ([OTHER] if node == OTHER else [])
    assert [sender for _, sender in batch.foreign] == [node[1]] * 4
    assert dict(batch.positions) == {OutboxId(node, 77): [5, 6, 7, 8]}


def test_anyone_may_speak_for_what_is_in_no_inventory() -> None:
    batch, collector = Batch(), Collector(dict[str, Node]().get, ForeignReporter().foreign_message)
    collector.add(batch, born())
    collector.add(batch, data(READING, 5))
    assert batch.readings == [READING]
    assert batch.foreign == []


@pytest.mark.parametrize(("node", "counts"), [(NODE, True), (OTHER, False), (ELSEWHERE, False)])
def test_transferred_records_follow_the_same_rule(node: tuple[str, str], counts: bool) -> None:
    batch, collector, outbox = (
        Batch(),
        Collector(OWNERS.get, ForeignReporter().foreign_message),
        OutboxId(node, 77),
    )
    event = DeviceEvent("SOR-00001", EventType.DEVICE_RESET, DUSK, True)
    records: list[Record] = [READING, event]
    for position, record in enumerate(records, 5):
        collector.add_carried(batch, outbox, position, record)
    assert (len(batch.readings), len(batch.events)) == ((1, 1) if counts else (0, 0))
    assert len(batch.foreign) == (0 if counts else 2)
    assert batch.positions[outbox] == [5, 6]


def test_a_gateway_that_is_there_already_is_not_waited_for() -> None:
    presence = GatewayPresence(10)
    presence.born(NODE)
    presence.expect_first([NODE, OTHER], 900)
    assert presence.overdue(899) == []
    assert presence.overdue(900) == [OTHER]
    presence.died(NODE, 900)
    assert presence.overdue(910) == [NODE]


def test_a_gateway_says_which_plan_it_follows() -> None:
    """At its birth and when that changes; the last word counts."""
    collector, batch = Collector(_unowned, ForeignReporter().foreign_message), Batch()
    collector.add(batch, NodeBorn(*NODE, gateway_birth(77, 0, PlanState("a" * 64)), 0))
    assert batch.plans == {NODE: PlanState("a" * 64)}
    collector.add(batch, NodeData(*NODE, plan_state_metrics("b" * 64, "no such program"), 0))
    assert batch.plans == {NODE: PlanState("b" * 64, "no such program")}


def test_a_stranger_says_nothing_of_a_gateways_plan() -> None:
    collector, batch = Collector(lambda _: ("32.04.38", NODE[1]), ForeignReporter().foreign_message), Batch()
    collector.add(batch, NodeBorn(*NODE, gateway_birth(77, 0, PlanState("a" * 64)), 0))
    collector.add(batch, NodeData(*NODE, plan_state_metrics("b" * 64, ""), 0))
    assert batch.plans == {}
