"""Frames of a write-ahead log, those behind the first damaged one too, which SQLite drops.

File format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import BinaryIO, Final

from edge.storage.sqlite_file import PAGE_BYTES

_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_FRAME_BYTES: Final = _FRAME_HEADER_BYTES + PAGE_BYTES
_BIG_ENDIAN_SUMS: Final = b"\x37\x7f\x06\x83"


@dataclass(frozen=True, slots=True)
class WalFrame:
    """One version of a page; `at` is the offset of its content in the log.

    `salts` are those of the log's generation, `ends_commit` marks the last frame of a transaction.
    """

    page: int
    at: int
    salts: bytes
    ends_commit: bool


class Wal:
    """A write-ahead log; what cannot be read of it counts as absent."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def content(self, frame: WalFrame) -> bytes:
        """Return the page a frame holds."""
        return read_at(self._file, frame.at, PAGE_BYTES)

    def split(self, used: int | None = None) -> tuple[list[WalFrame], list[WalFrame]]:
        """Return the frames SQLite would use, and the committed ones behind them that it would not.

        `used` is how many it has used, where that is known.
        """
        frames = list(self._frames())
        if used is not None:
            return frames[:used], _committed_behind(frames, used)
        header = read_at(self._file, 0, _HEADER_BYTES)
        order = ">" if header[:4] == _BIG_ENDIAN_SUMS else "<"
        # Each frame's checksum continues that of the one before, so one flipped bit hides all that follow.
        sums, usable = _checksum((0, 0), header[:24], order), 0
        for number, frame in enumerate(frames, 1):
            head = read_at(self._file, frame.at - _FRAME_HEADER_BYTES, _FRAME_HEADER_BYTES)
            sums = _checksum(_checksum(sums, head[:8], order), self.content(frame), order)
            if frame.salts != header[16:24] or struct.pack(">II", *sums) != head[16:24]:
                break
            if frame.ends_commit:
                usable = number
        return frames[:usable], _committed_behind(frames, usable)

    def _frames(self) -> Iterator[WalFrame]:
        self._file.seek(0, 2)
        size = self._file.tell()
        for at in range(_HEADER_BYTES, size - _FRAME_BYTES + 1, _FRAME_BYTES):
            header = read_at(self._file, at, _FRAME_HEADER_BYTES)
            if len(header) == _FRAME_HEADER_BYTES:
                page, pages_after_commit = struct.unpack_from(">II", header)
                yield WalFrame(page, at + _FRAME_HEADER_BYTES, header[8:16], pages_after_commit != 0)


def read_at(file: BinaryIO, at: int, length: int) -> bytes:
    """Return up to `length` bytes from `at`, none where the disk gives an error: a bad sector."""
    with suppress(OSError):
        file.seek(at)
        return file.read(length)
    return b""


def _committed_behind(frames: list[WalFrame], count: int) -> list[WalFrame]:
    # The log is overwritten from its beginning: frames with other salts are left over from before that.
    same = list(takewhile(lambda frame: frame.salts == frames[0].salts, frames[count:]))
    ends = [number for number, frame in enumerate(same, 1) if frame.ends_commit]
    return same[: ends[-1]] if ends else []


def _checksum(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data[: len(data) // 4 * 4])
    for even, odd in zip(words[::2], words[1::2], strict=False):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
