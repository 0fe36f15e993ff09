"""Files that are either complete or absent."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PARTIAL_SUFFIX = ".partial"
"""The ending of a file that is not complete yet."""


def write_atomically(path: Path, chunks: Iterable[bytes], *, mode: int = 0o666) -> None:
    """Write `chunks` to `path`, which is replaced only by the complete file; `mode` is subject to the umask.

    The content and the new name are on disk on return, so that what was acknowledged survives a power cut.

    Raises:
        OSError: the file could not be written; `path` is as it was.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    partial.unlink(missing_ok=True)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on disk; does nothing where a file system offers no such thing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
