"""Files that are either complete or absent."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.files import PARTIAL_SUFFIX, write_atomically


def test_a_file_is_written_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    write_atomically(path, [b"one", b"two"], mode=0o600)
    assert path.read_bytes() == b"onetwo"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_half_way_leaves_the_old_file_alone(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"new"
        raise OSError("the disk is full")

    path = tmp_path / "answer"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="the disk is full"):
        write_atomically(path, chunks())
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["answer"]


def test_a_partial_file_of_an_earlier_crash_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    partial = tmp_path / f"answer{PARTIAL_SUFFIX}"
    partial.write_bytes(b"half of a file")
    write_atomically(path, [b"whole"])
    assert path.read_bytes() == b"whole"
    assert not partial.exists()
