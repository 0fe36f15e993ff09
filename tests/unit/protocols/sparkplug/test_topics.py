"""Sparkplug topics are read and written without loss, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.identifiers import forbidden_character
from protocols.sparkplug.topics import (
    MalformedTopic,
    MessageType,
    Topic,
    check_id,
    state_host,
    state_topic,
)

IDS = st.text(min_size=1, max_size=20).filter(lambda text: forbidden_character(text) is None)
NODE_TYPES = st.sampled_from([MessageType.NBIRTH, MessageType.NDEATH, MessageType.NDATA, MessageType.NCMD])
DEVICE_TYPES = st.sampled_from([MessageType.DBIRTH, MessageType.DDEATH, MessageType.DDATA, MessageType.DCMD])
TOPICS = st.builds(Topic, IDS, NODE_TYPES, IDS) | st.builds(Topic, IDS, DEVICE_TYPES, IDS, IDS)


@given(TOPICS)
def test_a_topic_survives_its_text(topic: Topic) -> None:
    assert Topic.parse(str(topic)) == topic


@given(st.text(max_size=60) | st.lists(IDS, max_size=6).map("/".join).map("spBv1.0/{}".format))
def test_any_text_is_a_topic_that_reads_the_same_or_malformed(text: str) -> None:
    try:
        topic = Topic.parse(text)
    except MalformedTopic:
        return
    assert str(topic) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spAv1.0/g/NDATA/n", "expected spBv1.0/"),
        ("spBv1.0/g/NDATA", "expected spBv1.0/<group>/<type>/<edge node>"),
        ("spBv1.0/g/NDATA/n/d", "expected no device id on a NDATA"),
        ("spBv1.0/g/DDATA/n", "expected a device id on a DDATA"),
        ("spBv1.0/g/ndata/n", "type 'ndata', expected one of NBIRTH"),
        ("spBv1.0/g/STATE/n", "type 'STATE'"),
        ("spBv1.0//NDATA/n", "id '', expected at least one character"),
        ("spBv1.0/g/DDATA/n/", "id ''"),
        ("spBv1.0/g/DDATA/n/d/e", "expected spBv1.0/"),
        ("spBv1.0/g/NDATA/+", r"id '\+', expected no '\+'"),
    ],
)
def test_a_malformed_topic_says_which_part_is_wrong(text: str, why: str) -> None:
    with pytest.raises(MalformedTopic, match=why):
        Topic.parse(text)


@pytest.mark.parametrize("identifier", ["", "a/b", "a+", "#", "a\0b", "a\x96b", "a\ufdd0", "a\ud800"])
def test_an_id_that_is_no_topic_level_is_refused(identifier: str) -> None:
    with pytest.raises(MalformedTopic, match="gateway: id"):
        check_id(identifier, "gateway")


def test_a_state_topic_names_its_host_and_no_other_topic_does() -> None:
    assert state_topic("lentera") == "spBv1.0/STATE/lentera"
    assert state_host("spBv1.0/STATE/lentera") == "lentera"
    assert state_host("STATE/lentera") is None
    assert state_host("spBv1.0/STATE/") is None
    assert state_host("spBv1.0/STATE/NDATA/n") is None
    assert Topic.parse("spBv1.0/STATE/NDATA/n").group == "STATE"
