"""Every assertion of the Sparkplug 3.0.0 kit has a test among `test_tck_*`, or a reason here why not."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.conftest import SHARED_DATA

NOT_TESTED = {
    "conformance-mqtt-*": "an assertion on brokers",
    "payloads-dataset-*": "no data sets are published",
    "payloads-template-*": "no templates are published",
    "topics-nbirth-templates": "no templates are published",
    "payloads-propertyset-quality-*": "a value that is not good is null; no Quality property is published",
    "operational-behavior-primary-application-state-with-multiple-servers-*": "one broker is configured",
    "operational-behavior-host-application-multi-server-timestamp": "one broker is configured",
    "principles-persistence-clean-session-*": "a setting of the MQTT client, see edge and cloud",
    "message-flow-phid-sparkplug-clean-session-*": "a setting of the MQTT client, see cloud",
    "payloads-ndeath-will-message-publisher-disconnect-*": "done by the MQTT client, see edge",
    "operational-behavior-edge-node-intentional-disconnect-packet": "done by the MQTT client, see edge",
    "host-topic-phid-death-payload-disconnect-*": "done by the MQTT client, see cloud",
    "operational-behavior-host-application-termination": "done by the MQTT client, see cloud",
    "operational-behavior-edge-node-termination-host-action-*-tags-stale": "kept by cloud's state of lamps",
    "case-sensitivity-*": "advice on the choice of names",
    "principles-rbe-recommended": "every reading is published: the store keeps them all",
    "topic-structure-namespace-duplicate-device-id-across-edge-node": "a permission; lamp ids are unique",
}


def test_every_assertion_of_the_kit_is_tested_or_accounted_for() -> None:
    ids_file = SHARED_DATA.parent / "reference" / "sparkplug_tck_ids.txt"
    if not ids_file.exists():
        pytest.skip("the kit's list of assertions is not beside this checkout")
    kit = {line.removeprefix("tck-id-") for line in ids_file.read_text(encoding="utf-8").split()}
    tests = Path(__file__).parent.glob("test_tck_*.py")
    texts = [path.read_text(encoding="utf-8") for path in tests if path.name != Path(__file__).name]
    words = {word for text in texts for word in text.split()}
    tested = words & kit
    accounted = {each for each in kit if any(fnmatchcase(each, pattern) for pattern in NOT_TESTED)}
    assert kit - tested - accounted == set()
    assert tested & accounted == set()
    assert {word for word in words if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){2,}", word)} - kit == set()
