"""Tests of protocols.decoding."""

import msgspec
import pytest

from protocols.decoding import UndecodableError, decode_json, decode_msgpack, decode_toml


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(UndecodableError, match=r"^nested too deeply$"):
        decode_json(b"[" * 100_000)
    with pytest.raises(UndecodableError, match=r"^b'\\xff' is not UTF-8$"):
        decode_json(b'{"id":"\xff"}', dict[str, str])
    with pytest.raises(UndecodableError, match=r"^5 bytes, expected at most 4$"):
        decode_json(b"[1,2]", most_bytes=4)
    with pytest.raises(UndecodableError, match=r"^5 bytes, expected at most 4$"):
        decode_msgpack(b"\x94\x01\x02\x03\x04", list[int], most_bytes=4)
    with pytest.raises(UndecodableError, match=r"^5 bytes, expected at most 4$"):
        decode_toml(b"a = 1", most_bytes=4)
    with pytest.raises(UndecodableError, match=r"^5000 characters \(at line 2\), expected at most 4096$"):
        decode_toml("a = 1\n" + "#" * 5_000)


def test_documents_are_read() -> None:
    assert decode_json(b'{"a": 1}') == {"a": 1}
    assert decode_json('{"a": 1}', dict[str, int]) == {"a": 1}
    assert decode_msgpack(msgspec.msgpack.encode([1, 2]), list[int]) == [1, 2]
    assert decode_toml('a = "é"') == {"a": "é"}
    assert decode_toml('a = "é"'.encode()) == {"a": "é"}
