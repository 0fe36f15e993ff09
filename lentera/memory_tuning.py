"""Keeps what a gateway never uses out of its memory: the computer at a pole has little."""

import ctypes
import gc
import sys
from types import ModuleType
from typing import Final, cast

_M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""


def block_import(package: str) -> None:
    """Make imports of a package fail in this process, for libraries that use it only where it is found."""
    sys.modules.setdefault(package, cast("ModuleType", None))


def trim_heap() -> None:
    """Return memory that only imports and settings needed to the system, where the C library can.

    All threads share one heap afterwards: one for each would leave gaps in all of them.
    """
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.malloc_trim(0)
