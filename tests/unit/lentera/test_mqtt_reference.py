"""The generated MQTT reference says what the code does."""

import pytest

from lentera.docs.mqtt_reference import mqtt_reference
from protocols.events import EventType
from protocols.metrics import DEVICE_CONTROL_METRICS, LAMP_METRICS, NODE_METRICS, Metric
from protocols.sparkplug.topics import MessageType

PAGE = mqtt_reference()


@pytest.mark.parametrize(
    "metric", [*LAMP_METRICS, *DEVICE_CONTROL_METRICS, *NODE_METRICS], ids=lambda m: m.name
)
def test_every_metric_has_a_row_with_its_type_and_unit(metric: Metric) -> None:
    assert f"| `{metric.name}` | {metric.datatype.name} | {metric.unit or '–'} |" in PAGE


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_has_a_row(event_type: EventType) -> None:
    assert f"| `{event_type}` | " in PAGE


@pytest.mark.parametrize("kind", MessageType)
def test_every_message_type_has_a_topic(kind: MessageType) -> None:
    assert f"| `spBv1.0/{'STATE' if kind is MessageType.STATE else f'32.04.37/{kind}'}/" in PAGE


def test_the_page_is_the_same_every_time_and_tables_are_whole() -> None:
    assert mqtt_reference() == PAGE
    widths = [line.count("|") for line in PAGE.splitlines() if line.startswith("|")]
    assert widths
    assert min(widths) >= 4
