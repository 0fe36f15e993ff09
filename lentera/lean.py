"""Keeps out of a gateway's memory what it never uses: it runs beside a line for years, in little room."""

import sys
from types import ModuleType
from typing import cast


def go_without(package: str) -> None:
    """Let this process find no such package; those that would like to have it must do without."""
    sys.modules.setdefault(package, cast("ModuleType", None))
