"""Keeps out of a gateway's memory what it never uses: it runs beside a line for years, in little room."""

import ctypes
import gc
import sys
from types import ModuleType
from typing import Final, cast

_M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""


def block_import(package: str) -> None:
    """Let this process find no such package; those that would like to have it must do without."""
    sys.modules.setdefault(package, cast("ModuleType", None))


def trim_heap() -> None:
    """Return to the system what imports and settings took only for a moment, where the C library can.

    The threads to come share one heap: they take turns, and one for each of them only leaves gaps in all.
    """
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.malloc_trim(0)
