"""What the Sparkplug 3.0.0 technology compatibility kit asserts of edge nodes, group by group.

Each test names in its docstring the assertions it stands for, without their common prefix `tck-id-`.
"""

import pytest

from protocols.clock import from_unix_ms
from protocols.inventory.model import Area, Gateway, Inventory, InventoryError
from protocols.inventory.model import decode as decode_inventory
from protocols.inventory.model import encode as encode_inventory
from protocols.lamp import LampReading
from protocols.mapping import COMMANDED_METRICS, device_birth, gateway_birth, reading_metrics
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.edge_node import EdgeNodeSession, HostOffline, HostOnline, NotBorn, RebirthRequested
from protocols.sparkplug.host import HostSession
from protocols.sparkplug.messages import Outgoing, device_command, node_command, rebirth_request
from protocols.sparkplug.payload import MetricValue, Payload, decode
from protocols.sparkplug.topics import MalformedTopic, MessageType, Topic

NOW = 1_795_521_600_000
LATER = NOW + 60_000
READING = LampReading("a", from_unix_ms(NOW), active_power_w=90.0, target_level_percent=50)


def edge(primary_host: str | None = None) -> EdgeNodeSession:
    return EdgeNodeSession("32.04.37", "soreang-01", primary_host, never_aliased=COMMANDED_METRICS)


def births(session: EdgeNodeSession, bd_seq: int = 7) -> tuple[Outgoing, list[Outgoing]]:
    """The will of a new connection and its births, with two lamps."""
    will = session.will(NOW, bd_seq)
    session.connected()
    lamps = {"a": device_birth(READING), "b": device_birth(READING)}
    return will, session.birth(gateway_birth(1, NOW), lamps, NOW)


def named(message: Outgoing) -> dict[str | None, MetricValue]:
    return {metric.name: metric for metric in decode(message.payload).metrics}


def data_messages(session: EdgeNodeSession) -> list[Outgoing]:
    event = MetricValue("Gateway/event", None, DataType.STRING, "{}", NOW)
    return [
        *session.node_data([event], NOW),
        *session.device_data("a", reading_metrics(READING), NOW),
        *session.device_death("b", NOW),
    ]


def test_topics_and_ids() -> None:
    """
    topic-structure topic-structure-namespace-a topic-structure-namespace-valid-group-id
    topic-structure-namespace-valid-edge-node-id topic-structure-namespace-valid-device-id
    topic-structure-namespace-device-id-associated-message-types
    topic-structure-namespace-device-id-non-associated-message-types intro-group-id-string
    intro-group-id-chars intro-edge-node-id-string intro-edge-node-id-chars intro-device-id-string
    intro-device-id-chars topics-nbirth-topic topics-dbirth-topic topics-ndata-topic topics-ddata-topic
    topics-ncmd-topic topics-dcmd-topic topics-ndeath-topic topics-ddeath-topic
    payloads-nbirth-edge-node-descriptor
    """
    session = edge()
    will, born = births(session)
    commands = [node_command("32.04.37", "soreang-01", [], NOW), device_command("g", "n", "d", [], NOW)]
    topics = [message.topic for message in (will, *born, *data_messages(session), *commands)]
    assert topics == [
        "spBv1.0/32.04.37/NDEATH/soreang-01",
        "spBv1.0/32.04.37/NBIRTH/soreang-01",
        "spBv1.0/32.04.37/DBIRTH/soreang-01/a",
        "spBv1.0/32.04.37/DBIRTH/soreang-01/b",
        "spBv1.0/32.04.37/NDATA/soreang-01",
        "spBv1.0/32.04.37/DDATA/soreang-01/a",
        "spBv1.0/32.04.37/DDEATH/soreang-01/b",
        "spBv1.0/32.04.37/NCMD/soreang-01",
        "spBv1.0/g/DCMD/n/d",
    ]
    for group, node in (("a/b", "n"), ("g", "n+"), ("", "n")):
        with pytest.raises(MalformedTopic):
            EdgeNodeSession(group, node)
    for device in ("#", "", "a/b"):
        with pytest.raises(MalformedTopic):
            session.device_birth(device, [], NOW)


def test_ids_are_unique_in_an_inventory() -> None:
    """
    intro-edge-node-id-uniqueness topic-structure-namespace-unique-edge-node-descriptor
    topic-structure-namespace-unique-device-id
    """
    gateway = Gateway("soreang-01", "32.04.37", -7.03, 107.52, "Asia/Jakarta")
    twice = Inventory([Area("32.04.37", "Soreang", -7.03, 107.52)], [gateway, gateway], [])
    with pytest.raises(InventoryError, match="id 'soreang-01' occurs 2 times"):
        decode_inventory(encode_inventory(twice), "inventory.json")


def test_will_of_an_edge_node() -> None:
    """
    message-flow-edge-node-birth-publish-connect message-flow-edge-node-birth-publish-will-message
    message-flow-edge-node-birth-publish-will-message-topic
    message-flow-edge-node-birth-publish-will-message-payload
    message-flow-edge-node-birth-publish-will-message-payload-bd
    message-flow-edge-node-birth-publish-will-message-qos
    message-flow-edge-node-birth-publish-will-message-will-retained payloads-ndeath-will-message
    payloads-ndeath-will-message-publisher payloads-ndeath-will-message-qos
    payloads-ndeath-will-message-retain payloads-ndeath-seq payloads-ndeath-bdseq topics-ndeath-payload
    topics-ndeath-seq
    """
    will, _ = births(edge())
    assert (will.topic, will.qos, will.retain) == ("spBv1.0/32.04.37/NDEATH/soreang-01", 1, False)
    payload = decode(will.payload)
    assert payload.seq is None
    (bd_seq,) = payload.metrics
    assert (bd_seq.name, bd_seq.datatype, bd_seq.value) == ("bdSeq", DataType.INT64, 7)


def test_node_birth() -> None:
    """
    message-flow-edge-node-birth-publish-nbirth-topic message-flow-edge-node-birth-publish-nbirth-payload
    message-flow-edge-node-birth-publish-nbirth-payload-bd
    message-flow-edge-node-birth-publish-nbirth-payload-seq
    message-flow-edge-node-birth-publish-nbirth-qos message-flow-edge-node-birth-publish-nbirth-retained
    topics-nbirth-mqtt topics-nbirth-seq-num topics-nbirth-timestamp topics-nbirth-metric-reqs
    topics-nbirth-metrics topics-nbirth-bdseq-included topics-nbirth-bdseq-matching
    topics-nbirth-rebirth-metric payloads-nbirth-timestamp payloads-nbirth-seq payloads-nbirth-bdseq
    payloads-nbirth-rebirth-req payloads-nbirth-qos payloads-nbirth-retain
    payloads-sequence-num-zero-nbirth operational-behavior-data-commands-rebirth-name
    operational-behavior-data-commands-rebirth-datatype operational-behavior-data-commands-rebirth-value
    operational-behavior-data-commands-rebirth-name-aliases operational-behavior-data-publish-nbirth
    operational-behavior-data-publish-nbirth-values
    """
    will, (birth, *_) = births(edge())
    assert (birth.qos, birth.retain) == (0, False)
    payload = decode(birth.payload)
    assert (payload.seq, payload.timestamp_ms) == (0, NOW)
    metrics = named(birth)
    assert metrics["bdSeq"].value == named(will)["bdSeq"].value
    assert metrics["bdSeq"].datatype is DataType.INT64
    rebirth = metrics["Node Control/Rebirth"]
    assert (rebirth.datatype, rebirth.value, rebirth.alias) == (DataType.BOOLEAN, False, None)
    assert {metric.name for metric in gateway_birth(1, NOW)} < metrics.keys()
    assert all(metric.name and metric.datatype and metric.timestamp_ms for metric in payload.metrics)


def test_bd_seq_counts_connections_and_stays_over_rebirths() -> None:
    """
    topics-nbirth-bdseq-increment payloads-nbirth-bdseq-repeat
    operational-behavior-data-commands-rebirth-action-3
    """
    session = edge()
    _, (first, *_) = births(session, 254)
    (again,) = session.birth(gateway_birth(1, NOW), {}, NOW)
    found = [first, again, *(births(session, bd_seq)[1][0] for bd_seq in (255, 256))]
    assert [named(message)["bdSeq"].value for message in found] == [254, 254, 255, 0]


def test_device_births() -> None:
    """
    message-flow-device-birth-publish-dbirth-topic
    message-flow-device-birth-publish-dbirth-match-edge-node-topic
    message-flow-device-birth-publish-dbirth-payload message-flow-device-birth-publish-dbirth-payload-seq
    message-flow-device-birth-publish-dbirth-qos message-flow-device-birth-publish-dbirth-retained
    message-flow-device-birth-publish-nbirth-wait topics-dbirth-mqtt topics-dbirth-seq
    topics-dbirth-timestamp topics-dbirth-metric-reqs topics-dbirth-metrics payloads-dbirth-timestamp
    payloads-dbirth-seq payloads-dbirth-seq-inc payloads-dbirth-order payloads-dbirth-qos
    payloads-dbirth-retain operational-behavior-data-publish-dbirth
    operational-behavior-data-publish-dbirth-values principles-birth-certificates-order
    """
    session = edge()
    session.connected()
    with pytest.raises(NotBorn):
        session.device_birth("a", device_birth(READING), NOW)
    _, (_, *devices) = births(session)
    for seq, message in enumerate(devices, 1):
        assert (message.qos, message.retain) == (0, False)
        payload = decode(message.payload)
        assert (payload.seq, payload.timestamp_ms) == (seq, NOW)
        assert all(metric.name and metric.datatype and metric.timestamp_ms for metric in payload.metrics)
        assert named(message)["LampMonitorFunction/activePower"].value == 90.0
        assert named(message)["LampMonitorFunction/supplyVoltage"].value is None


def test_data() -> None:
    """
    topics-ndata-mqtt topics-ndata-seq-num topics-ndata-timestamp topics-ndata-payload topics-ddata-mqtt
    topics-ddata-seq-num topics-ddata-timestamp topics-ddata-payload payloads-ndata-timestamp
    payloads-ndata-seq payloads-ndata-seq-inc payloads-ndata-order payloads-ndata-qos
    payloads-ndata-retain payloads-ddata-timestamp payloads-ddata-seq payloads-ddata-seq-inc
    payloads-ddata-order payloads-ddata-qos payloads-ddata-retain payloads-sequence-num-always-included
    payloads-sequence-num-incrementing payloads-metric-timestamp-in- payloads-timestamp-in-
    operational-behavior-data-publish-nbirth-change operational-behavior-data-publish-dbirth-change
    operational-behavior-data-publish-nbirth-order operational-behavior-data-publish-dbirth-order
    """
    session = edge()
    with pytest.raises(NotBorn):
        session.node_data([], NOW)
    births(session)
    node, device, _ = data_messages(session)
    assert [decode(message.payload).seq for message in (node, device)] == [3, 4]
    for message in (node, device):
        assert (message.qos, message.retain) == (0, False)
        payload = decode(message.payload)
        assert payload.timestamp_ms == NOW
        assert all(metric.timestamp_ms == NOW for metric in payload.metrics)
    late = session.device_data("a", reading_metrics(READING, is_historical=True), LATER)
    assert all(metric.is_historical for metric in decode(late[0].payload).metrics)


def test_names_aliases_and_datatypes() -> None:
    """
    payloads-name-requirement payloads-name-birth-data-requirement payloads-name-cmd-requirement
    payloads-alias-uniqueness payloads-alias-birth-requirement payloads-alias-data-cmd-requirement
    payloads-metric-datatype-req payloads-metric-datatype-not-req payloads-metric-datatype-value
    payloads-metric-datatype-value-type
    """
    session = edge()
    _, born = births(session)
    metrics = [metric for message in born for metric in decode(message.payload).metrics]
    aliases = [metric.alias for metric in metrics if metric.alias is not None]
    assert len(set(aliases)) == len(aliases)
    assert all(metric.name and metric.datatype for metric in metrics)
    aliased = {metric.name for metric in metrics if metric.alias is not None}
    (data,) = session.device_data("a", reading_metrics(READING), NOW)
    for metric in decode(data.payload).metrics:
        assert metric.datatype is None
        assert (metric.name is None) is (metric.alias is not None)
        assert metric.name not in aliased
    command = node_command("g", "n", gateway_birth(1, NOW), NOW)
    assert all(metric.name and metric.datatype for metric in decode(command.payload).metrics)


def test_properties() -> None:
    """
    payloads-propertyset-keys-array-size payloads-propertyset-values-array-size
    payloads-metric-propertyvalue-type-type payloads-metric-propertyvalue-type-value
    payloads-metric-propertyvalue-type-req
    """
    _, (_, lamp, _) = births(edge())
    assert named(lamp)["LampMonitorFunction/activePower"].properties == {"engUnit": "W"}


def test_deaths() -> None:
    """
    topics-ddeath-mqtt topics-ddeath-seq-num payloads-ddeath-timestamp payloads-ddeath-seq
    payloads-ddeath-seq-inc payloads-ddeath-seq-number operational-behavior-device-ddeath
    operational-behavior-edge-node-intentional-disconnect-ndeath
    """
    session = edge()
    will, _ = births(session)
    *_, death = data_messages(session)
    assert (death.qos, death.retain) == (0, False)
    payload = decode(death.payload)
    assert (payload.seq, payload.timestamp_ms) == (5, NOW)
    assert session.death(NOW) == [will]


def test_commands() -> None:
    """
    topics-ncmd-mqtt topics-ncmd-timestamp topics-ncmd-payload topics-dcmd-mqtt topics-dcmd-timestamp
    topics-dcmd-payload payloads-ncmd-timestamp payloads-ncmd-seq payloads-ncmd-qos payloads-ncmd-retain
    payloads-dcmd-timestamp payloads-dcmd-seq payloads-dcmd-qos payloads-dcmd-retain
    operational-behavior-data-commands-ncmd-verb operational-behavior-data-commands-ncmd-metric-name
    operational-behavior-data-commands-ncmd-metric-value operational-behavior-data-commands-dcmd-verb
    operational-behavior-data-commands-dcmd-metric-name
    operational-behavior-data-commands-dcmd-metric-value message-flow-edge-node-ncmd-subscribe
    message-flow-device-dcmd-subscribe
    """
    metric = MetricValue("LampActuatorFunction/targetLightCommand", None, DataType.INT32, 50, NOW)
    for command in (node_command("g", "n", [metric], NOW), device_command("g", "n", "d", [metric], NOW)):
        assert (command.qos, command.retain) == (0, False)
        assert decode(command.payload) == Payload(NOW, [metric], None)
    assert edge().subscriptions() == [
        ("spBv1.0/32.04.37/NCMD/soreang-01", 1),
        ("spBv1.0/32.04.37/DCMD/soreang-01/+", 1),
    ]


def test_rebirth() -> None:
    """
    operational-behavior-data-commands-ncmd-rebirth-verb
    operational-behavior-data-commands-ncmd-rebirth-name
    operational-behavior-data-commands-ncmd-rebirth-value
    operational-behavior-data-commands-rebirth-action-1
    operational-behavior-data-commands-rebirth-action-2
    """
    session = edge()
    births(session)
    request = rebirth_request("32.04.37", "soreang-01", NOW)
    assert Topic.parse(request.topic).type is MessageType.NCMD
    (metric,) = decode(request.payload).metrics
    assert (metric.name, metric.datatype, metric.value) == ("Node Control/Rebirth", DataType.BOOLEAN, True)
    assert session.receive(request.topic, request.payload) == [RebirthRequested()]
    again = session.birth(gateway_birth(1, NOW), {"a": device_birth(READING)}, NOW)
    assert [decode(message.payload).seq for message in again] == [0, 1]


def test_an_edge_node_waits_for_its_primary_host_and_leaves_with_it() -> None:
    """
    message-flow-edge-node-birth-publish-phid-wait message-flow-edge-node-birth-publish-phid-wait-id
    message-flow-edge-node-birth-publish-phid-wait-online
    message-flow-edge-node-birth-publish-phid-wait-timestamp
    message-flow-edge-node-birth-publish-phid-offline operational-behavior-edge-node-birth-sequence-wait
    operational-behavior-edge-node-termination-host-offline
    operational-behavior-edge-node-termination-host-offline-timestamp
    operational-behavior-edge-node-termination-host-offline-reconnect payloads-state-subscribe
    """
    session = edge("lentera")
    session.connected()
    assert ("spBv1.0/STATE/lentera", 1) in session.subscriptions()
    host = HostSession("lentera")
    with pytest.raises(NotBorn):
        session.birth([], {}, NOW)
    impostor = HostSession("impostor").online(NOW)
    assert session.receive(impostor.topic, impostor.payload) == []
    online = host.online(NOW)
    assert session.receive(online.topic, online.payload) == [HostOnline(NOW)]
    stale = host.will(NOW - 1)
    assert session.receive(stale.topic, stale.payload) == []
    gone = host.will(NOW)
    assert session.receive(gone.topic, gone.payload) == [HostOffline(NOW)]
    session.connected()
    with pytest.raises(NotBorn):
        session.birth([], {}, NOW)
