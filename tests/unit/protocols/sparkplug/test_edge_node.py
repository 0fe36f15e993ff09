"""An edge node's session: what it publishes in which order, and what it makes of what it receives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mapping import COMMANDED_METRICS
from protocols.metrics import TARGET_LIGHT_COMMAND
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.edge_node import (
    DeviceCommand,
    EdgeNodeSession,
    HostOffline,
    HostOnline,
    MessageRejected,
    NodeCommand,
    NotBorn,
    RebirthRequested,
)
from protocols.sparkplug.messages import (
    Outgoing,
    device_command,
    node_command,
    rebirth_request,
    state_message,
)
from protocols.sparkplug.payload import MetricValue, Payload, decode, encode
from protocols.sparkplug.topics import Topic
from protocols.sparkplug.values import WrongValue

NOW = 1_795_521_600_000
POWER = "LampMonitorFunction/activePower"


def power(value: float | None = 90.0) -> MetricValue:
    return MetricValue(POWER, None, DataType.FLOAT, value, NOW)


def target(value: int | None = 50) -> MetricValue:
    return MetricValue(TARGET_LIGHT_COMMAND, None, DataType.INT32, value, NOW)


def epoch() -> MetricValue:
    return MetricValue("Gateway/firmware", None, DataType.STRING, "1", NOW)


def connected(primary_host: str | None = None, bd_seq: int = 0) -> EdgeNodeSession:
    session = EdgeNodeSession("g", "n", primary_host, never_aliased=COMMANDED_METRICS)
    session.will(NOW, bd_seq)
    session.connected()
    return session


def born(primary_host: str | None = None) -> EdgeNodeSession:
    session = connected(primary_host)
    if primary_host is not None:
        online = state_message(primary_host, online=True, timestamp_ms=NOW)
        session.receive(online.topic, online.payload)
    session.birth([epoch()], {"a": [power(), target()], "b": [power(), target()]}, NOW)
    return session


def payloads(messages: list[Outgoing]) -> list[Payload]:
    return [decode(message.payload) for message in messages]


def bd_seq_of(payload: Payload) -> object:
    return next(metric.value for metric in payload.metrics if metric.name == "bdSeq")


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_will_and_birth_carry_the_same_bd_seq_modulo_256(connects: int) -> None:
    session = EdgeNodeSession("g", "n", never_aliased=COMMANDED_METRICS)
    will = session.will(NOW, connects)
    session.connected()
    (birth,) = session.birth([], {}, NOW)
    (death,) = session.death(NOW)
    found = [bd_seq_of(decode(message.payload)) for message in (will, birth, death)]
    assert found == [connects % 256] * 3


def test_two_sessions_in_one_process_count_apart() -> None:
    first, second = born(), born()
    first.node_data([epoch()], NOW)
    (message,) = payloads(second.node_data([epoch()], NOW))
    assert message.seq == 3


def test_seq_runs_over_node_and_devices_and_wraps() -> None:
    session = connected()
    messages = session.birth([epoch()], {"a": [power()], "b": [power()]}, NOW)
    for _ in range(300):
        messages += session.device_data("a", [power()], NOW)
        messages += session.node_data([epoch()], NOW)
    messages += session.device_death("b", NOW)
    assert [payload.seq for payload in payloads(messages)] == [index % 256 for index in range(604)]


def test_seq_and_devices_start_over_on_a_new_connection_but_aliases_stay() -> None:
    session = born()
    before = payloads(session.device_data("a", [power()], NOW))[0].metrics[0].alias
    session.will(NOW, 1)
    session.connected()
    assert not session.is_born
    births = payloads(session.birth([epoch()], {"a": [power()]}, NOW))
    assert [payload.seq for payload in births] == [0, 1]
    assert births[1].metrics[0].alias == before
    assert session.live_devices == {"a"}


def test_a_rebirth_restarts_seq_and_buries_devices_it_does_not_name() -> None:
    session = born()
    session.birth([epoch()], {"a": [power(), target()]}, NOW)
    assert session.live_devices == {"a"}
    with pytest.raises(NotBorn, match="device 'b'"):
        session.device_data("b", [power()], NOW)


def test_aliases_are_unique_over_the_node_and_shared_by_no_commanded_metric() -> None:
    session = connected()
    births = payloads(session.birth([epoch()], {"a": [power(), target()], "b": [power(), target()]}, NOW))
    metrics = [metric for payload in births for metric in payload.metrics]
    aliases = [metric.alias for metric in metrics if metric.alias is not None]
    assert len(aliases) == len(set(aliases)) == 3
    unaliased = {metric.name for metric in metrics if metric.alias is None}
    assert unaliased == {"bdSeq", "Node Control/Rebirth", TARGET_LIGHT_COMMAND}


def test_data_carries_alias_or_name_and_no_datatype() -> None:
    (payload,) = payloads(born().device_data("a", [power(1.5), target(-1)], NOW))
    first, second = payload.metrics
    assert (first.name, first.datatype, first.value) == (None, None, 1.5)
    assert first.alias is not None
    assert (second.name, second.alias, second.datatype) == (TARGET_LIGHT_COMMAND, None, None)


def test_a_metric_that_no_birth_named_is_refused_and_uses_up_no_seq() -> None:
    session = born()
    with pytest.raises(NotBorn, match="metric 'Vendor/x' of 'a': not in its birth"):
        session.device_data("a", [MetricValue("Vendor/x", None, DataType.INT32, 1)], NOW)
    with pytest.raises(WrongValue, match="no name or no datatype, expected both in a birth"):
        session.device_birth("a", [MetricValue("Vendor/x")], NOW)
    with pytest.raises(WrongValue, match="expected FLOAT"):
        session.device_data("a", [MetricValue(POWER, None, DataType.FLOAT, "x")], NOW)
    (payload,) = payloads(session.device_data("a", [power()], NOW))
    assert payload.seq == 3


def test_nothing_but_births_is_published_before_them() -> None:
    session = connected()
    with pytest.raises(NotBorn, match="edge node 'n': no birth"):
        session.node_data([epoch()], NOW)
    with pytest.raises(NotBorn, match="edge node 'n': no birth"):
        session.device_birth("a", [power()], NOW)
    assert session.device_death("a", NOW) == []


def test_a_device_dies_once_and_comes_back_with_a_birth() -> None:
    session = born()
    (death,) = session.device_death("a", NOW)
    assert death.topic == "spBv1.0/g/DDEATH/n/a"
    assert session.device_death("a", NOW) == []
    with pytest.raises(NotBorn, match="device 'a'"):
        session.device_data("a", [power()], NOW)
    session.device_birth("a", [power(), target()], NOW)
    assert session.device_data("a", [power()], NOW)


def state(session: EdgeNodeSession, host: str, *, online: bool, timestamp_ms: int) -> list[object]:
    message = state_message(host, online=online, timestamp_ms=timestamp_ms)
    return list(session.receive(message.topic, message.payload))


def test_births_wait_for_the_primary_host() -> None:
    session = connected("lentera")
    assert not session.may_birth
    with pytest.raises(NotBorn, match="primary host 'lentera' is offline"):
        session.birth([], {}, NOW)
    assert state(session, "another", online=True, timestamp_ms=5) == []
    assert state(session, "lentera", online=False, timestamp_ms=5) == []
    assert state(session, "lentera", online=True, timestamp_ms=6) == [HostOnline(6)]
    assert session.may_birth
    assert state(session, "lentera", online=True, timestamp_ms=7) == []


def test_a_host_goes_by_its_newest_word() -> None:
    session = connected("lentera")
    assert state(session, "lentera", online=True, timestamp_ms=10) == [HostOnline(10)]
    assert state(session, "lentera", online=False, timestamp_ms=9) == []
    assert session.may_birth
    assert state(session, "lentera", online=False, timestamp_ms=10) == [HostOffline(10)]
    assert not session.may_birth
    assert state(session, "lentera", online=True, timestamp_ms=9) == []
    session.connected()
    assert state(session, "lentera", online=True, timestamp_ms=9) == [HostOnline(9)]


@pytest.mark.parametrize("body", [b"ONLINE", b"", b'{"online":1,"timestamp":2}', b'{"online":true}', b"\xff"])
def test_a_state_that_cannot_be_read_changes_nothing(body: bytes) -> None:
    session = connected("lentera")
    (event,) = session.receive("spBv1.0/STATE/lentera", body)
    assert isinstance(event, MessageRejected)
    assert "expected" in event.why
    assert not session.may_birth


def test_commands_are_resolved_by_name_and_by_alias() -> None:
    session = born()
    alias = payloads(session.device_data("a", [power()], NOW))[0].metrics[0].alias
    by_name = device_command("g", "n", "a", [target(30)], NOW)
    assert session.receive(by_name.topic, by_name.payload) == [DeviceCommand("a", [target(30)])]
    body = encode(Payload(NOW, [MetricValue(None, alias, DataType.FLOAT, 2.0)]), with_datatypes=False)
    (event,) = session.receive(by_name.topic, body)
    assert event == DeviceCommand("a", [MetricValue(POWER, alias, DataType.FLOAT, 2.0)])


def test_a_command_without_datatype_is_read_as_the_birth_says() -> None:
    body = encode(Payload(NOW, [target(-1)]), with_datatypes=False)
    (event,) = born().receive("spBv1.0/g/DCMD/n/a", body)
    assert event == DeviceCommand("a", [target(-1)])


def test_a_command_with_an_unknown_alias_or_another_devices_is_rejected_whole() -> None:
    session = born()
    alias = payloads(session.device_data("a", [power()], NOW))[0].metrics[0].alias
    for wrong, device in ((99, "a"), (alias, "b"), (0, "a")):
        body = encode(Payload(NOW, [target(1), MetricValue(None, wrong, DataType.FLOAT, 2.0)]))
        (event,) = session.receive(f"spBv1.0/g/DCMD/n/{device}", body)
        assert event == MessageRejected(
            f"spBv1.0/g/DCMD/n/{device}", f"alias {wrong}, expected one from the birth"
        )


def test_a_command_of_the_wrong_type_is_rejected() -> None:
    body = encode(Payload(NOW, [MetricValue(POWER, None, DataType.STRING, "much")]), with_datatypes=False)
    (event,) = born().receive("spBv1.0/g/DCMD/n/a", body)
    assert isinstance(event, MessageRejected)
    assert event.why == f"metric {POWER}: 'much' (str), expected FLOAT"


def test_a_rebirth_request_is_distinguished_from_commands() -> None:
    session = born()
    request = rebirth_request("g", "n", NOW)
    assert session.receive(request.topic, request.payload) == [RebirthRequested()]
    rebirth = MetricValue("Node Control/Rebirth", None, DataType.BOOLEAN, True, NOW)
    both = node_command("g", "n", [rebirth, epoch()], NOW)
    assert session.receive(both.topic, both.payload) == [RebirthRequested(), NodeCommand([epoch()])]
    rebirth.value = False
    refused = node_command("g", "n", [rebirth], NOW)
    assert session.receive(refused.topic, refused.payload) == []
    assert connected().receive(request.topic, request.payload) == []


@pytest.mark.parametrize("topic", ["spBv1.0/g/NCMD/other", "spBv1.0/h/NCMD/n", "spBv1.0/g/NDATA/n"])
def test_what_is_meant_for_others_is_left_alone(topic: str) -> None:
    assert born().receive(topic, rebirth_request("g", "n", NOW).payload) == []


@given(st.sampled_from(["spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/a", "spBv1.0/STATE/lentera"]), st.binary())
@settings(deadline=None)
def test_any_bytes_on_a_subscription_raise_nothing(topic: str, body: bytes) -> None:
    session = born("lentera")
    session.receive(topic, body)
    assert session.is_born


@given(st.text(), st.binary(max_size=5))
@settings(deadline=None)
def test_any_topic_raises_nothing(topic: str, body: bytes) -> None:
    assert all(isinstance(event, MessageRejected) for event in born().receive(topic, body))


def test_subscriptions_are_its_own_commands_and_its_hosts_state() -> None:
    assert EdgeNodeSession("g", "n").subscriptions() == [("spBv1.0/g/NCMD/n", 1), ("spBv1.0/g/DCMD/n/+", 1)]
    assert EdgeNodeSession("g", "n", "h").subscriptions()[-1] == ("spBv1.0/STATE/h", 1)


def test_every_message_is_addressed_as_the_nodes_own() -> None:
    session = connected()
    messages = [session.will(NOW, 0), *session.birth([], {"a": []}, NOW), *session.death(NOW)]
    assert [str(Topic.parse(message.topic)) for message in messages] == [
        "spBv1.0/g/NDEATH/n",
        "spBv1.0/g/NBIRTH/n",
        "spBv1.0/g/DBIRTH/n/a",
        "spBv1.0/g/NDEATH/n",
    ]
