"""Rows of a SQLite file read off its pages, past whatever SQLite itself would stumble over.

See https://www.sqlite.org/fileformat2.html. Tables are not told apart: that is left to the rows' checksums.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import BinaryIO, Final

Value = int | float | bytes | None

_LEAF: Final = 0x0D
_USUAL_PAGE_BYTES: Final = 4096
_FILE_HEADER_BYTES: Final = 100
_WAL_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_INTEGER_BYTES: Final = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
_FLOAT: Final = 7
_LONGEST_ROW_BYTES: Final = 1_000_000


class BrokenCellError(ValueError):
    """What lies where a row should be cannot be one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of some table: its key, and its columns; text comes as bytes."""

    key: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A page as it lies in the journal; `ends_commit` says that a commit ends with it."""

    page: int
    at: int
    salts: bytes
    ends_commit: bool


class SqlitePageReader:
    """A database file with its journal, page by page; a page that cannot be read counts as empty."""

    def __init__(self, file: BinaryIO, journal: BinaryIO | None, page_bytes: int) -> None:
        self._file = file
        self._journal = journal
        self._page_bytes = page_bytes
        self._newest: dict[int, Frame] = {}
        self._later: list[Frame] = []

    def sort_journal(self) -> None:
        """Find out what of the journal belongs to the file, as SQLite would."""
        if self._journal is not None:
            committed, self._later = _split(self._journal, self._page_bytes)
            self._newest = {frame.page: frame for frame in committed}

    def rows(self) -> Iterator[Cell]:
        """Every row there is; where the newest state of a page is damaged, of the one before too."""
        self.sort_journal()
        self._file.seek(0, 2)
        last = max([-(-self._file.tell() // self._page_bytes), *self._newest])
        free = self._free_pages()
        for number in range(1, last + 1):
            if number not in free:
                yield from self._rows_of(number)

    def later_rows(self) -> Iterator[Cell]:
        """Rows that lie in the journal behind its readable part."""
        for frame in self._later:
            self._newest[frame.page] = frame
        for frame in self._later:
            yield from self._cells(frame.page, self._frame(frame))[0]

    def rows_behind(self, frames: int) -> Iterator[Cell]:
        """Rows in committed frames of the same journal behind the first `frames`."""
        if self._journal is not None:
            every = list(_frames(self._journal, self._page_bytes))
            self._newest = {frame.page: frame for frame in every[:frames]}
            self._later = _frames_behind(every, frames)
        yield from self.later_rows()

    def _rows_of(self, number: int) -> Iterator[Cell]:
        frame = self._newest.get(number)
        if frame is not None:
            cells, is_whole = self._cells(number, self._frame(frame))
            yield from cells
            if is_whole:
                return
        yield from self._cells(number, self._main_page(number))[0]

    def _cells(self, number: int, page: bytes) -> tuple[list[Cell], bool]:
        begin = _FILE_HEADER_BYTES if number == 1 else 0
        if len(page) < begin + 8:
            return [], False
        if page[begin] != _LEAF:
            return [], page[begin] in (2, 5, 10)
        cells, is_whole = [], True
        count = int.from_bytes(page[begin + 3 : begin + 5], "big")
        for index in range(min(count, self._page_bytes // 4)):
            try:
                cells.append(self._cell(page, begin + 8 + 2 * index))
            except (BrokenCellError, IndexError, struct.error):
                is_whole = False
        return cells, is_whole

    def _cell(self, page: bytes, pointer: int) -> Cell:
        at = int.from_bytes(page[pointer : pointer + 2], "big")
        length, at = _varint(page, at)
        key, at = _varint(page, at)
        return Cell(key, _columns(self._payload(page, at, length)))

    def _payload(self, page: bytes, at: int, length: int) -> bytes:
        if not 0 < length <= _LONGEST_ROW_BYTES:
            raise BrokenCellError(length)
        largest, smallest = self._page_bytes - 35, (self._page_bytes - 12) * 32 // 255 - 23
        if length <= largest:
            return page[at : at + length]
        here = smallest + (length - smallest) % (self._page_bytes - 4)
        here = here if here <= largest else smallest
        payload, following = page[at : at + here], int.from_bytes(page[at + here : at + here + 4], "big")
        while len(payload) < length:
            more = self._page(following)
            if len(more) < self._page_bytes:
                raise BrokenCellError(following)
            payload += more[4:]
            following = int.from_bytes(more[:4], "big")
        return payload[:length]

    def _free_pages(self) -> set[int]:
        """What the free list names; a damaged one ends early."""
        free: set[int] = set()
        trunk = int.from_bytes(self._page(1)[32:36], "big")
        while trunk and trunk not in free:
            page = self._page(trunk)
            count = int.from_bytes(page[4:8], "big")
            if not 0 <= count <= self._page_bytes // 4 - 2 or len(page) < self._page_bytes:
                break
            leaves = struct.unpack_from(f">{count}I", page, 8)
            if page[0] in (2, 5, 10, _LEAF):
                break
            free |= {trunk, *leaves}
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _page(self, number: int) -> bytes:
        frame = self._newest.get(number)
        return self._main_page(number) if frame is None else self._frame(frame)

    def _main_page(self, number: int) -> bytes:
        return _read(self._file, (number - 1) * self._page_bytes, self._page_bytes) if number else b""

    def _frame(self, frame: Frame) -> bytes:
        return b"" if self._journal is None else _read(self._journal, frame.at, self._page_bytes)


def carver_of(file: BinaryIO, journal: BinaryIO | None) -> SqlitePageReader:
    """A carver of a database file and of the journal beside it."""
    return SqlitePageReader(file, journal, _page_bytes(file, journal))


def _page_bytes(file: BinaryIO, journal: BinaryIO | None) -> int:
    claimed = [int.from_bytes(_read(file, 16, 2), "big")]
    if journal is not None:
        claimed.append(int.from_bytes(_read(journal, 8, 4), "big"))
    return (
        _USUAL_PAGE_BYTES
        if _USUAL_PAGE_BYTES in claimed
        else next(
            (each for each in claimed if each in (512, 1024, 2048, 8192, 16384, 32768)), _USUAL_PAGE_BYTES
        )
    )


def _frames(journal: BinaryIO, page_bytes: int) -> Iterator[Frame]:
    journal.seek(0, 2)
    size, step = journal.tell(), _FRAME_HEADER_BYTES + page_bytes
    for at in range(_WAL_HEADER_BYTES, size - step + 1, step):
        header = _read(journal, at, _FRAME_HEADER_BYTES)
        if len(header) == _FRAME_HEADER_BYTES:
            page, pages = struct.unpack_from(">II", header)
            yield Frame(page, at + _FRAME_HEADER_BYTES, header[8:16], pages != 0)


def _split(journal: BinaryIO, page_bytes: int) -> tuple[list[Frame], list[Frame]]:
    """The frames SQLite would take, and committed ones behind them."""
    frames = list(_frames(journal, page_bytes))
    header = _read(journal, 0, _WAL_HEADER_BYTES)
    order = ">" if header[:4] == b"\x37\x7f\x06\x83" else "<"
    sums, sound = _summed((0, 0), header[:24], order), 0
    for number, frame in enumerate(frames, 1):
        head = _read(journal, frame.at - _FRAME_HEADER_BYTES, _FRAME_HEADER_BYTES)
        sums = _summed(_summed(sums, head[:8], order), _read(journal, frame.at, page_bytes), order)
        if frame.salts != header[16:24] or struct.pack(">II", *sums) != head[16:24]:
            break
        if frame.ends_commit:
            sound = number
    return frames[:sound], _frames_behind(frames, sound)


def _frames_behind(frames: list[Frame], count: int) -> list[Frame]:
    """Those of the same journal; what lies behind them was left there by the one before."""
    same = list(takewhile(lambda frame: frame.salts == frames[0].salts, frames[count:]))
    ends = [number for number, frame in enumerate(same, 1) if frame.ends_commit]
    return same[: ends[-1]] if ends else []


def _summed(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data[: len(data) // 4 * 4])
    for even, odd in zip(words[::2], words[1::2], strict=False):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def _columns(payload: bytes) -> tuple[Value, ...]:
    header_bytes, at = _varint(payload, 0)
    body = header_bytes
    values: list[Value] = []
    while at < header_bytes:
        kind, at = _varint(payload, at)
        length = _INTEGER_BYTES.get(kind, (kind - 12) // 2)
        if kind in (10, 11) or kind < 0 or body + length > len(payload):
            raise BrokenCellError(kind)
        values.append(_value(kind, payload[body : body + length]))
        body += length
    return tuple(values)


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == _FLOAT:
        return float(struct.unpack(">d", raw)[0])
    return int.from_bytes(raw, "big", signed=True) if kind < _FLOAT else raw


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    with suppress(OSError):  # a bad sector
        file.seek(at)
        return file.read(length)
    return b""
