"""Replaces a damaged file by a new one; a process that dies at any point finds the one or the other."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO


class Replacement:
    """The file at `path`, the new one beside it until it is whole, and the damaged ones set aside.

    They are called `<name>.new` and `<name>.unreadable-<number>`.
    """

    def __init__(self, path: Path) -> None:
        self.new = path.with_name(path.name + ".new")
        self._path = path

    def open_wal(self, stack: ExitStack) -> BinaryIO | None:
        """Open the write-ahead log until `stack` ends; None where there is none.

        What SQLite deletes when it closes the database can still be read through it.
        """
        path = _beside(self._path, "-wal")
        return stack.enter_context(path.open("rb")) if path.exists() else None

    def remove_new(self) -> None:
        """Remove a new file that was not finished."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            _beside(self.new, suffix).unlink(missing_ok=True)

    def swap(self, wal: BinaryIO | None, *, is_rebuilt: bool) -> Path:
        """Set the damaged file aside, put the rebuilt one in its place, and return the damaged one's name."""
        if is_rebuilt:
            # Before the damaged one is moved: a start in between does it all again.
            _sync(self.new)
        aside = self._free_name()
        self._path.rename(aside)
        self._set_wal_aside(aside, wal)
        if is_rebuilt:
            self.new.rename(self._path)
        _sync(self._path.parent)
        return aside

    def finish_interrupted(self) -> None:
        """Put the new file in place if a process died between the two renames of `swap`."""
        if self.new.exists() and not self._path.exists():
            # The log left behind is of the damaged file: SQLite would apply it to the new one.
            self._set_wal_aside(self._free_name(), None)
            self.new.rename(self._path)
            _sync(self._path.parent)

    def _set_wal_aside(self, aside: Path, wal: BinaryIO | None) -> None:
        beside = _beside(self._path, "-wal")
        if beside.exists():
            beside.rename(_beside(aside, "-wal"))
        elif wal is not None:
            wal.seek(0)
            _beside(aside, "-wal").write_bytes(wal.read())
        # SQLite's index of the log that is set aside: it makes one for the new log.
        _beside(self._path, "-shm").unlink(missing_ok=True)

    def _free_name(self) -> Path:
        number = 1
        # With any suffix: a log that was set aside alone has a number too, and none is overwritten.
        while any(self._path.parent.glob(f"{self._path.name}.unreadable-{number}*")):
            number += 1
        return self._path.with_name(f"{self._path.name}.unreadable-{number}")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    """Write a file to the disk itself, or a directory, without which no rename in it is durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
