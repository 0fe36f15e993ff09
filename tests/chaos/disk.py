"""A small disk of its own that can be filled to the last byte."""

import errno
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

SIZE_MB = 64

_FILLER = "filler"
_BLOCK = bytes(1 << 16)


class SmallDisk:
    """A tmpfs at `path`; `why_not` says why there is none where this process may not mount."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.why_not: str | None = None

    def mount(self) -> None:
        """Mount, or note why that is not possible."""
        self.path.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(self.path)]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            self.why_not = str(error)
            return
        if answer.returncode:
            self.why_not = answer.stderr.strip() or f"mount ended with {answer.returncode}"

    def unmount(self) -> None:
        """Let it go, with all that is on it."""
        if self.why_not is None:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self) -> None:
        """Leave no byte free, nor any in the logs of databases: cut, so that a commit needs space."""
        for database in self.path.glob("*.db"):
            with closing(sqlite3.connect(database, timeout=30)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with (self.path / _FILLER).open("wb", buffering=0) as filler:
            block = _BLOCK
            while block:
                try:
                    os.write(filler.fileno(), block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]

    def free(self) -> None:
        """Give the space back."""
        (self.path / _FILLER).unlink(missing_ok=True)
