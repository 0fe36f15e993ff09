"""A host's session: order, names, deaths, and rebirths that are requested once and not in storms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mapping import COMMANDED_METRICS
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.edge_node import EdgeNodeSession, RebirthRequested
from protocols.sparkplug.host import HostSession
from protocols.sparkplug.host_events import (
    DeviceBorn,
    DeviceData,
    DeviceDied,
    HostEvent,
    MalformedMessage,
    NodeBorn,
    NodeData,
    NodeDied,
    RebirthNeeded,
    StateContested,
)
from protocols.sparkplug.messages import Outgoing, decode_state, device_command, rebirth_request
from protocols.sparkplug.payload import MetricValue, Payload, decode, encode

NOW = 1_795_521_600_000
COUNTER = "Test/counter"


def counter(value: int = 0) -> MetricValue:
    return MetricValue(COUNTER, None, DataType.INT64, value, NOW)


def level(value: int) -> MetricValue:
    return MetricValue("Test/level", None, DataType.INT16, value, NOW)


class Pair:
    """An edge node and a host that hears what it is given of the node's messages."""

    def __init__(self, *devices: str) -> None:
        self.edge = EdgeNodeSession("g", "n", never_aliased=COMMANDED_METRICS)
        self.host = HostSession("lentera")
        self.devices = devices
        self.will = self.connect(0)

    def connect(self, bd_seq: int) -> Outgoing:
        will = self.edge.will(NOW, bd_seq)
        self.edge.connected()
        return will

    def births(self) -> list[Outgoing]:
        devices = {device: [counter(), level(-1)] for device in self.devices}
        return self.edge.birth([counter()], devices, NOW)

    def hear(self, *messages: Outgoing, now_ms: int = NOW) -> list[HostEvent]:
        events: list[HostEvent] = []
        for message in messages:
            events += self.host.receive(message.topic, message.payload, now_ms)
        return events

    def data(self, value: int, device: str | None = None) -> Outgoing:
        if device is None:
            return self.edge.node_data([counter(value)], NOW)[0]
        return self.edge.device_data(device, [counter(value)], NOW)[0]


def born(*devices: str) -> Pair:
    pair = Pair(*(devices or ("a",)))
    pair.hear(*pair.births())
    return pair


def values(events: list[HostEvent]) -> list[object]:
    """The counters in data events; anything else stands as it is."""
    return [
        event.metrics[0].value if isinstance(event, (NodeData, DeviceData)) else event for event in events
    ]


def test_births_then_data_come_by_name_and_type() -> None:
    pair = Pair("a")
    node, device = pair.hear(*pair.births())
    assert isinstance(node, NodeBorn)
    assert (node.group, node.node, node.bd_seq) == ("g", "n", 0)
    assert isinstance(device, DeviceBorn)
    assert device.device == "a"
    (data,) = pair.hear(*pair.edge.device_data("a", [level(-5)], NOW))
    assert isinstance(data, DeviceData)
    (metric,) = data.metrics
    assert (metric.name, metric.datatype, metric.value) == ("Test/level", DataType.INT16, -5)
    assert data.timestamp_ms == NOW
    assert values(pair.hear(pair.data(7))) == [7]
    assert pair.hear(*pair.edge.device_death("a", NOW)) == [DeviceDied("g", "n", "a")]
    assert pair.hear(*pair.edge.death(NOW)) == [NodeDied("g", "n")]


def test_seq_and_bd_seq_wrap() -> None:
    pair = born()
    assert values(pair.hear(*(pair.data(index) for index in range(600)))) == list(range(600))
    pair.connect(255)
    pair.hear(*pair.births())
    old_will = pair.will
    new_will = pair.connect(256)
    pair.hear(*pair.births())
    assert decode(new_will.payload).metrics[0].value == 0
    assert pair.hear(old_will) == [NodeDied("g", "n")]


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_messages_out_of_order_within_the_timeout_come_in_order(data: st.DataObject) -> None:
    pair = born("a", "b")
    sent = [pair.data(index, ("a", "b", None)[index % 3]) for index in range(data.draw(st.integers(1, 300)))]
    window = data.draw(st.integers(1, 20))
    heard: list[HostEvent] = []
    for start in range(0, len(sent), window):
        heard += pair.hear(*data.draw(st.permutations(sent[start : start + window])))
    assert values(heard) == list(range(len(sent)))
    assert pair.host.tick(NOW + 3_600_000) == []


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_whatever_is_lost_no_value_is_ever_made_up(data: st.DataObject) -> None:
    """With messages dropped, doubled and delayed at will, what is heard was sent, in order, each once."""
    pair = born("a", "b")
    now_ms = NOW
    heard: list[object] = []
    sent: list[int] = []
    for index in range(data.draw(st.integers(1, 80))):
        message = pair.data(index, "a")
        sent.append(index)
        now_ms += data.draw(st.sampled_from([0, 10, 3000]))
        for _ in range(data.draw(st.sampled_from([1, 1, 1, 0, 2]))):
            events = [*pair.hear(message, now_ms=now_ms), *pair.host.tick(now_ms)]
            heard += values(events)
            if any(isinstance(event, RebirthNeeded) for event in events):
                pair.hear(*pair.births(), now_ms=now_ms)
                break
    counters = [value for value in heard if isinstance(value, int)]
    assert counters == sorted(set(counters))
    assert set(counters) <= set(sent)


def test_a_gap_that_stays_open_asks_for_one_rebirth_and_distrusts_until_it_comes() -> None:
    pair = born()
    pair.data(0)
    assert pair.hear(pair.data(1), pair.data(2)) == []
    assert pair.host.tick(NOW + 1999) == []
    (needed,) = pair.host.tick(NOW + 2000)
    assert needed == RebirthNeeded("g", "n", "no message with seq 2 arrived")
    assert pair.hear(pair.data(3), now_ms=NOW + 2100) == []
    assert pair.host.tick(NOW + 60_000) == []
    pair.hear(*pair.births())
    assert values(pair.hear(pair.data(4))) == [4]


def test_a_gap_is_also_noticed_without_a_tick() -> None:
    pair = born()
    pair.data(0)
    assert pair.hear(pair.data(1)) == []
    assert isinstance(pair.hear(pair.data(2), now_ms=NOW + 2000)[0], RebirthNeeded)


def test_the_missing_message_closes_the_gap_and_time_counts_from_the_next() -> None:
    pair = born()
    first, second, third, fourth = (pair.data(index) for index in range(4))
    assert pair.hear(second) == []
    assert pair.hear(fourth, now_ms=NOW + 1500) == []
    assert values(pair.hear(first, now_ms=NOW + 1900)) == [0, 1]
    assert pair.host.tick(NOW + 3400) == []
    assert values(pair.hear(third, now_ms=NOW + 3450)) == [2, 3]
    assert pair.host.tick(NOW + 99_000) == []


def test_a_message_delivered_twice_is_heard_once_and_asks_for_nothing() -> None:
    pair = born()
    first, second = pair.data(0), pair.data(1)
    assert values(pair.hear(first, first, first, second, second)) == [0, 1]
    assert values(pair.hear(pair.data(2), now_ms=NOW + 1000)) == [2]
    assert pair.host.tick(NOW + 99_000) == []


def test_births_said_again_start_over() -> None:
    pair = born()
    pair.hear(pair.data(0))
    events = pair.hear(*pair.births(), *pair.births())
    assert [type(event) for event in events] == [NodeBorn, DeviceBorn, NodeBorn, DeviceBorn]
    assert values(pair.hear(pair.data(1, "a"))) == [1]


def test_a_missed_node_birth_is_noticed_by_a_device_birth_that_is_behind() -> None:
    pair = born()
    pair.hear(*(pair.data(index) for index in range(50)))
    pair.connect(1)
    (needed,) = pair.hear(*pair.births()[1:])
    assert isinstance(needed, RebirthNeeded)
    assert "DBIRTH/n/a without its NBIRTH" in needed.why
    assert pair.hear(pair.data(0, "a")) == []
    pair.hear(*pair.births())
    assert values(pair.hear(pair.data(1, "a"))) == [1]


def test_a_missed_node_birth_without_devices_is_noticed_by_time() -> None:
    pair = born()
    pair.hear(*(pair.data(index) for index in range(50)))
    pair.connect(1)
    pair.births()
    assert pair.hear(pair.data(0), pair.data(1)) == []
    (needed,) = pair.host.tick(NOW + 2000)
    assert isinstance(needed, RebirthNeeded)


def test_data_of_an_unknown_node_is_dropped_and_asks_for_one_rebirth_in_five_seconds() -> None:
    pair = Pair("a")
    pair.births()
    events = [pair.hear(pair.data(index, "a"), now_ms=NOW + index * 100) for index in range(51)]
    requested = [index for index, found in enumerate(events) if found]
    assert requested == [0, 50]
    assert events[0] == [RebirthNeeded("g", "n", "DDATA before its NBIRTH")]
    request = rebirth_request("g", "n", NOW)
    assert pair.edge.receive(request.topic, request.payload) == [RebirthRequested()]


def test_rebirths_of_one_node_do_not_silence_another() -> None:
    pair = Pair()
    body = encode(Payload(NOW, [], 3))
    found = [pair.host.receive(f"spBv1.0/g/NDATA/{node}", body, NOW) for node in ("n1", "n2", "n1")]
    assert [len(events) for events in found] == [1, 1, 0]


def test_unknown_devices_aliases_and_names_ask_for_a_rebirth_and_change_nothing() -> None:
    for metrics, device, why in (
        ([MetricValue(None, 99, DataType.INT64, 1)], "a", "DDATA with alias 99 that was not in its birth"),
        ([counter()], "x", "DDATA with device 'x' before its DBIRTH"),
        ([level(1)], None, "NDATA with metric 'Test/level' that was not in its birth"),
    ):
        pair = born()
        kind, tail = ("NDATA", "n") if device is None else ("DDATA", f"n/{device}")
        body = encode(Payload(NOW, metrics, 2), with_datatypes=False)
        assert pair.host.receive(f"spBv1.0/g/{kind}/{tail}", body, NOW) == [RebirthNeeded("g", "n", why)]
        pair.data(0)
        assert values(pair.hear(pair.data(1))) == [1]


def test_an_alias_of_one_device_is_not_anothers() -> None:
    pair = born("a", "b")
    message = pair.data(1, "a")
    (event,) = pair.host.receive("spBv1.0/g/DDATA/n/b", message.payload, NOW)
    assert isinstance(event, RebirthNeeded)


def test_a_dead_device_is_unknown_until_it_is_born_again() -> None:
    pair = born("a", "b")
    pair.hear(*pair.edge.device_death("a", NOW))
    assert values(pair.hear(pair.data(1, "b"))) == [1]
    born_again = pair.hear(*pair.edge.device_birth("a", [counter(), level(0)], NOW))
    assert isinstance(born_again[0], DeviceBorn)
    assert values(pair.hear(pair.data(2, "a"))) == [2]


def test_the_will_of_an_earlier_connection_buries_nobody() -> None:
    pair = born()
    old_will = pair.will
    new_will = pair.connect(1)
    pair.hear(*pair.births())
    assert pair.hear(old_will) == []
    assert values(pair.hear(pair.data(0))) == [0]
    assert pair.hear(new_will, new_will) == [NodeDied("g", "n")]
    (needed,) = pair.hear(pair.data(1))
    assert isinstance(needed, RebirthNeeded)


def test_a_death_of_a_node_never_seen_is_heard_once() -> None:
    pair = Pair()
    assert pair.hear(pair.will, pair.will) == [NodeDied("g", "n")]


def test_a_death_ends_a_gap() -> None:
    pair = born()
    pair.data(0)
    assert pair.hear(pair.data(1)) == []
    assert pair.hear(pair.will) == [NodeDied("g", "n")]
    assert pair.host.tick(NOW + 99_000) == []


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        ("spBv1.0/g/NBIRTH/n", Payload(NOW, [], 0), "no bdSeq, expected one in an NBIRTH"),
        ("spBv1.0/g/NDEATH/n", Payload(NOW, []), "no bdSeq, expected one in an NDEATH"),
        ("spBv1.0/g/NDATA/n", Payload(NOW, []), "no seq, expected one on NDATA"),
        (
            "spBv1.0/g/NBIRTH/n",
            Payload(NOW, [MetricValue("bdSeq", None, DataType.INT64, 0)]),
            "no seq, expected one in an NBIRTH",
        ),
    ],
)
def test_messages_without_their_numbers_are_malformed(topic: str, payload: Payload, why: str) -> None:
    pair = born()
    assert pair.host.receive(topic, encode(payload), NOW) == [MalformedMessage(topic, why)]
    assert values(pair.hear(pair.data(1))) == [1]


def test_a_message_that_cannot_be_read_opens_no_gap() -> None:
    pair = born()
    behind = pair.data(0)
    ahead = pair.data(1)
    broken = encode(Payload(NOW, [MetricValue("m", None, DataType.INT32, 1)], decode(behind.payload).seq))
    broken = broken.replace(b"\x20\x03", b"\x20\x63")  # datatype 99
    assert pair.hear(ahead) == []
    malformed, data = pair.host.receive(behind.topic, broken, NOW)
    assert malformed == MalformedMessage(behind.topic, "metric m: datatype 99, expected 1..34")
    assert values([data]) == [1]
    assert pair.host.tick(NOW + 99_000) == []


def test_data_of_the_wrong_type_is_malformed_and_opens_no_gap() -> None:
    pair = born()
    alias = decode(pair.data(0, "a").payload).metrics[0].alias
    body = encode(Payload(NOW, [MetricValue(None, alias, DataType.STRING, "x")], 2), with_datatypes=False)
    (event,) = pair.host.receive("spBv1.0/g/DDATA/n/a", body, NOW)
    assert event == MalformedMessage("spBv1.0/g/DDATA/n/a", f"metric {COUNTER}: 'x' (str), expected INT64")
    assert values(pair.hear(pair.data(1))) == [1]


@given(
    st.sampled_from(["NBIRTH/n", "NDEATH/n", "NDATA/n", "DBIRTH/n/a", "DDATA/n/a", "DDEATH/n/a"]), st.binary()
)
@settings(deadline=None)
def test_any_bytes_raise_nothing(tail: str, body: bytes) -> None:
    assert all(isinstance(event, HostEvent) for event in born().host.receive(f"spBv1.0/g/{tail}", body, NOW))


@given(st.text(), st.binary(max_size=5))
@settings(deadline=None)
def test_any_topic_raises_nothing(topic: str, body: bytes) -> None:
    assert all(isinstance(event, MalformedMessage) for event in HostSession("h").receive(topic, body, NOW))


def test_commands_of_hosts_are_left_alone() -> None:
    command = device_command("g", "n", "a", [counter()], NOW)
    assert born().hear(command) == []


@pytest.mark.parametrize("body", [b"", b"OFFLINE", b"[" * 10_000, b'{"online":"\xff"}', b'{"online":false}'])
def test_a_state_of_ours_that_cannot_be_read_is_replaced(body: bytes) -> None:
    """It may be retained: a gateway that connects later would get it instead of ours."""
    host = HostSession("lentera")
    online = host.online(NOW)
    (malformed, contested) = host.receive(online.topic, body, NOW)
    assert isinstance(malformed, MalformedMessage)
    assert malformed.topic == online.topic
    assert contested == StateContested(NOW)
    foreign = HostSession("other").online(NOW)
    assert host.receive(foreign.topic, body, NOW) == []


def test_a_host_that_hears_it_is_offline_says_it_is_online_in_a_way_nodes_believe() -> None:
    host = HostSession("lentera")
    late_will = host.will(NOW - 5)
    assert host.receive(late_will.topic, late_will.payload, NOW) == []
    online = host.online(NOW)
    assert host.receive(online.topic, online.payload, NOW) == []
    assert host.receive(late_will.topic, late_will.payload, NOW) == [StateContested(NOW)]
    newer = host.will(NOW + 7)
    assert host.receive(newer.topic, newer.payload, NOW) == [StateContested(NOW + 7)]
    other = HostSession("other").will(NOW)
    assert host.receive(other.topic, other.payload, NOW) == []
    offline = host.offline(NOW + 9)
    assert not decode_state(offline.payload).online
    assert host.receive(offline.topic, offline.payload, NOW) == []
