"""Commands as gateways receive them."""

from datetime import UTC, datetime, timedelta

from cloud.commands.downlink import MqttDownlink
from cloud.inventory.store import LampAddress
from protocols.lamp import LightCommand
from protocols.mapping import command_from
from protocols.sparkplug.edge_node import DeviceCommand, EdgeNodeSession

NOW = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


async def test_a_command_reaches_its_lamp_as_it_was_given() -> None:
    sent: list[tuple[str, bytes, int, bool]] = []

    async def publish(topic: str, payload: bytes, qos: int, retain: bool) -> None:
        sent.append((topic, payload, qos, retain))

    commands = [
        LightCommand("c1", "SOR-00001", 40, NOW, NOW + timedelta(seconds=30), NOW + timedelta(hours=2)),
        LightCommand("c1", "CIW-00009", None, NOW, NOW + timedelta(seconds=30), None),
    ]
    addresses = {
        "SOR-00001": LampAddress("SOR-00001", "32.04.37", "soreang-01"),
        "CIW-00009": LampAddress("CIW-00009", "32.04.39", "ciwidey-02"),
    }
    await MqttDownlink(publish).send(commands, addresses)
    assert [(topic, qos, retain) for topic, _, qos, retain in sent] == [
        ("spBv1.0/32.04.37/DCMD/soreang-01/SOR-00001", 0, False),
        ("spBv1.0/32.04.39/DCMD/ciwidey-02/CIW-00009", 0, False),
    ]
    received = []
    for (topic, payload, _, _), group, node in zip(
        sent, ("32.04.37", "32.04.39"), ("soreang-01", "ciwidey-02"), strict=True
    ):
        (event,) = EdgeNodeSession(group, node).receive(topic, payload)
        assert isinstance(event, DeviceCommand)
        received.append(command_from(event.device, event.metrics, NOW))
    assert received == commands
