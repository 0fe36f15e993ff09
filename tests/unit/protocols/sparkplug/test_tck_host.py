"""What the Sparkplug 3.0.0 technology compatibility kit asserts of hosts, group by group.

Each test names in its docstring the assertions it stands for, without their common prefix `tck-id-`.
"""

import json

import pytest

from protocols.clock import from_unix_ms
from protocols.lamp import LampReading
from protocols.mapping import COMMANDED_METRICS, device_birth, gateway_birth, reading_metrics
from protocols.sparkplug.edge_node import EdgeNodeSession
from protocols.sparkplug.host import HostSession
from protocols.sparkplug.host_events import DeviceDied, NodeDied, RebirthNeeded
from protocols.sparkplug.messages import Outgoing
from protocols.sparkplug.topics import MalformedTopic

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


def test_state_of_a_host() -> None:
    """
    host-topic-phid-birth-message host-topic-phid-birth-topic host-topic-phid-birth-payload
    host-topic-phid-birth-payload-timestamp host-topic-phid-birth-qos host-topic-phid-birth-retain
    host-topic-phid-birth-required host-topic-phid-birth-sub-required host-topic-phid-death-required
    host-topic-phid-death-topic host-topic-phid-death-payload host-topic-phid-death-payload-connect
    host-topic-phid-death-qos host-topic-phid-death-retain intro-sparkplug-host-state components-ph-state
    conformance-primary-host message-flow-phid-sparkplug-subscription
    message-flow-phid-sparkplug-state-publish message-flow-phid-sparkplug-state-publish-payload
    message-flow-phid-sparkplug-state-publish-payload-timestamp
    message-flow-hid-sparkplug-state-message-delivered operational-behavior-host-application-connect-birth
    operational-behavior-host-application-connect-birth-topic
    operational-behavior-host-application-connect-birth-payload
    operational-behavior-host-application-connect-birth-qos
    operational-behavior-host-application-connect-birth-retained
    operational-behavior-host-application-connect-will
    operational-behavior-host-application-connect-will-topic
    operational-behavior-host-application-connect-will-payload
    operational-behavior-host-application-connect-will-qos
    operational-behavior-host-application-connect-will-retained
    operational-behavior-host-application-death-topic operational-behavior-host-application-death-payload
    operational-behavior-host-application-death-qos operational-behavior-host-application-death-retained
    operational-behavior-host-application-disconnect-intentional
    operational-behavior-host-application-host-id payloads-state-will-message
    payloads-state-will-message-qos payloads-state-will-message-retain payloads-state-will-message-payload
    payloads-state-birth payloads-state-birth-payload
    """
    host = HostSession("lentera")
    will, online, offline = host.will(NOW), host.online(NOW), host.offline(LATER)
    for message, says, timestamp in ((will, False, NOW), (online, True, NOW), (offline, False, LATER)):
        assert (message.topic, message.qos, message.retain) == ("spBv1.0/STATE/lentera", 1, True)
        assert json.loads(message.payload) == {"online": says, "timestamp": timestamp}
    assert host.subscriptions()[0] == ("spBv1.0/STATE/lentera", 1)
    with pytest.raises(MalformedTopic):
        HostSession("a/b")


def test_a_host_reorders_and_asks_for_a_rebirth_when_a_message_stays_out() -> None:
    """
    operational-behavior-host-reordering-param operational-behavior-host-reordering-start
    operational-behavior-host-reordering-rebirth operational-behavior-host-reordering-success
    """
    session, host = edge(), HostSession("lentera", reorder_timeout_ms=500)
    _, born = births(session)
    first, second, third, _ = [session.device_data("a", reading_metrics(READING), NOW)[0] for _ in range(4)]
    for message in born:
        host.receive(message.topic, message.payload, NOW)
    assert host.receive(second.topic, second.payload, NOW) == []
    assert len(host.receive(first.topic, first.payload, NOW + 499)) == 2
    assert host.tick(NOW + 9000) == []
    (fifth,) = session.device_data("a", reading_metrics(READING), NOW)
    assert len(host.receive(third.topic, third.payload, NOW)) == 1
    assert host.receive(fifth.topic, fifth.payload, NOW) == []
    assert host.tick(NOW + 499) == []
    assert isinstance(host.tick(NOW + 500)[0], RebirthNeeded)


def test_a_host_takes_a_nodes_death_for_all_its_devices_and_goes_by_bd_seq() -> None:
    """
    operational-behavior-edge-node-termination-host-action-ndeath-node-offline
    operational-behavior-edge-node-termination-host-action-ndeath-devices-offline
    operational-behavior-edge-node-termination-host-action-ddeath-devices-offline
    """
    session, host = edge(), HostSession("lentera")
    old_will, _ = births(session, 1)
    will, born = births(session, 2)
    for message in born:
        host.receive(message.topic, message.payload, NOW)
    assert host.receive(old_will.topic, old_will.payload, NOW) == []
    (death,) = session.device_death("b", NOW)
    assert host.receive(death.topic, death.payload, NOW) == [DeviceDied("32.04.37", "soreang-01", "b")]
    assert host.receive(will.topic, will.payload, NOW) == [NodeDied("32.04.37", "soreang-01")]
    for message in session.device_data("a", reading_metrics(READING), NOW):
        (event,) = host.receive(message.topic, message.payload, NOW)
        assert isinstance(event, RebirthNeeded)
