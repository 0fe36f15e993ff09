"""Rows read off the pages of a SQLite file, past damage that stops SQLite itself.

File format: https://www.sqlite.org/fileformat2.html. The table of a row is not determined here: the checksum
that each row of the outbox carries shows it, and whether the row is whole.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from edge.outbox.recovery.wal import Wal, WalFrame, read_at
from edge.storage.sqlite_file import PAGE_BYTES

Value = int | float | bytes | None

_TABLE_LEAF: Final = 0x0D
_OTHER_PAGES: Final = (0x02, 0x05, 0x0A)
"""Interior and index pages: sound, but without rows."""

_FILE_HEADER_BYTES: Final = 100
_PAGE_HEADER_BYTES: Final = 8
_FIRST_FREE_PAGE: Final = slice(32, 36)

_FLOAT: Final = 7
_INTEGER_BYTES: Final = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, _FLOAT: 8, 8: 0, 9: 0}
"""Bytes by serial type; those from 12 on are blobs and texts, whose length is in the type."""

_LARGEST_LOCAL_BYTES: Final = PAGE_BYTES - 35
_SMALLEST_LOCAL_BYTES: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
"""How much of a row lies on its own page where the rest is on overflow pages, by the format's formula."""

_LONGEST_ROW_BYTES: Final = 1_000_000
"""Far more than any record has: a damaged length must not make us read the whole disk."""


class BrokenCellError(ValueError):
    """The bytes where a row should be cannot be one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of some table: its key and its columns; text comes as bytes."""

    key: int
    values: tuple[Value, ...]


class PageReader:
    """A database file with its write-ahead log, page by page; an unreadable page counts as empty."""

    def __init__(self, file: BinaryIO | None, wal: Wal | None) -> None:
        self._file = file
        self._wal = wal
        self._newest: dict[int, WalFrame] = {}

    def rows(self) -> Iterator[Cell]:
        """Yield the rows SQLite would see; where a page in the log is damaged, its older version's too."""
        if self._wal is not None:
            self._newest = {frame.page: frame for frame in self._wal.split()[0]}
        pages_in_file = 0
        if self._file is not None:
            pages_in_file = -(-self._file.seek(0, 2) // PAGE_BYTES)
        last = max([pages_in_file, *self._newest])
        free = self._free_pages()
        for number in range(1, last + 1):
            # A free page still has the rows it held: acknowledged records that must not come back.
            if number not in free:
                yield from self._rows_of(number)

    def unread_rows(self, frames_read: int | None = None) -> Iterator[Cell]:
        """Yield rows of committed frames behind those SQLite can read: the first `frames_read` if given."""
        if self._wal is None:
            return
        read, unread = self._wal.split(frames_read)
        # Overflow pages are looked up in the newest state, which the unread frames are part of.
        self._newest = {frame.page: frame for frame in (*read, *unread)}
        for frame in unread:
            yield from self._cells(frame.page, self._wal.content(frame))[0]

    def _rows_of(self, number: int) -> Iterator[Cell]:
        frame = self._newest.get(number)
        if frame is not None and self._wal is not None:
            cells, is_whole = self._cells(number, self._wal.content(frame))
            yield from cells
            if is_whole:
                return
        yield from self._cells(number, self._page_of_file(number))[0]

    def _cells(self, number: int, page: bytes) -> tuple[list[Cell], bool]:
        """Return the rows on a page and whether it is undamaged as far as that can be seen."""
        begin = _FILE_HEADER_BYTES if number == 1 else 0
        if len(page) < begin + _PAGE_HEADER_BYTES:
            return [], False
        if page[begin] != _TABLE_LEAF:
            return [], page[begin] in _OTHER_PAGES
        cells, is_whole = [], True
        count = int.from_bytes(page[begin + 3 : begin + 5], "big")
        for index in range(min(count, PAGE_BYTES // 4)):
            pointer = begin + _PAGE_HEADER_BYTES + 2 * index
            try:
                length, at = _varint(page, int.from_bytes(page[pointer : pointer + 2], "big"))
                key, at = _varint(page, at)
                cells.append(Cell(key, _columns(self._payload(page, at, length))))
            except (BrokenCellError, IndexError, struct.error):
                is_whole = False  # its neighbours are found by pointers of their own
        return cells, is_whole

    def _payload(self, page: bytes, at: int, length: int) -> bytes:
        if not 0 < length <= _LONGEST_ROW_BYTES:
            raise BrokenCellError(length)
        if length <= _LARGEST_LOCAL_BYTES:
            return page[at : at + length]
        here = _SMALLEST_LOCAL_BYTES + (length - _SMALLEST_LOCAL_BYTES) % (PAGE_BYTES - 4)
        here = here if here <= _LARGEST_LOCAL_BYTES else _SMALLEST_LOCAL_BYTES
        payload, following = page[at : at + here], int.from_bytes(page[at + here : at + here + 4], "big")
        while len(payload) < length:
            more = self._page(following)
            if len(more) < PAGE_BYTES:
                raise BrokenCellError(following)
            payload += more[4:]
            following = int.from_bytes(more[:4], "big")
        return payload[:length]

    def _free_pages(self) -> set[int]:
        """Return the pages on the free list, as far as it can be followed."""
        free: set[int] = set()
        trunk = int.from_bytes(self._page(1)[_FIRST_FREE_PAGE], "big")
        while trunk and trunk not in free:
            page = self._page(trunk)
            count = int.from_bytes(page[4:8], "big")
            if not 0 <= count <= PAGE_BYTES // 4 - 2 or len(page) < PAGE_BYTES:
                break
            # A page in use that a damaged pointer names as a trunk would take its "leaves" from us.
            if page[0] in (*_OTHER_PAGES, _TABLE_LEAF):
                break
            free |= {trunk, *struct.unpack_from(f">{count}I", page, 8)}
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _page(self, number: int) -> bytes:
        frame = self._newest.get(number)
        if frame is None or self._wal is None:
            return self._page_of_file(number)
        return self._wal.content(frame)

    def _page_of_file(self, number: int) -> bytes:
        if self._file is None or not number:
            return b""
        return read_at(self._file, (number - 1) * PAGE_BYTES, PAGE_BYTES)


def _columns(payload: bytes) -> tuple[Value, ...]:
    header_bytes, at = _varint(payload, 0)
    body = header_bytes
    values: list[Value] = []
    while at < header_bytes:
        kind, at = _varint(payload, at)
        length = _INTEGER_BYTES.get(kind, (kind - 12) // 2)
        if kind in (10, 11) or kind < 0 or body + length > len(payload):
            raise BrokenCellError(kind)
        raw = payload[body : body + length]
        body += length
        if kind in (8, 9):  # the integers 0 and 1 take no bytes
            values.append(kind - 8)
        elif kind == _FLOAT:
            values.append(float(struct.unpack(">d", raw)[0]))
        elif kind:
            values.append(int.from_bytes(raw, "big", signed=True) if kind < _FLOAT else raw)
        else:
            values.append(None)
    return tuple(values)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer and where it ends: seven bits a byte, eight in the ninth."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9
