"""What `pyproject.toml` declares is what the code imports: part by part, neither less nor more.

Tools that check this look at all extras as one; here a gateway must do with what `[edge]` installs.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EVERY_EXTRA = frozenset(PROJECT["optional-dependencies"])
PRODUCT = EVERY_EXTRA - {"dev"}

# Which extras are installed where a package runs. `lentera` imports within its commands what each needs,
# and `runtime` is used by every part.
EXTRAS_OF = {
    "protocols": frozenset[str](),
    "edge": frozenset({"edge"}),
    "cloud": frozenset({"cloud"}),
    "firmware_sim": frozenset({"sim"}),
    "runtime": PRODUCT,
    "lentera": PRODUCT,
    "tests": EVERY_EXTRA,
}
USERS_OF = {
    "edge": ("edge", "runtime"),
    "cloud": ("cloud", "runtime"),
    "sim": ("firmware_sim", "runtime"),
    "demo": ("lentera",),
    "dev": ("tests",),
}
NEVER_IMPORTED = {
    "httptools": "uvicorn's HTTP parser",
    "psycopg": "named in the address of a PostgreSQL database",
    "tzdata": "the time zones of zoneinfo",
    "grpcio-tools": "make generate",
    "import-linter": "make check",
    "mypy": "make check",
    "mypy-protobuf": "make generate",
    "pytest-asyncio": "a plugin of pytest",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "make check",
    "types-protobuf": "read by mypy",
    "types-pyserial": "read by mypy",
}


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


BASE = {_name(each) for each in PROJECT["dependencies"]}
EXTRAS = {
    extra: {_name(each) for each in listed} for extra, listed in PROJECT["optional-dependencies"].items()
}
DISTRIBUTIONS = packages_distributions()


@cache
def _imported_modules(package: str) -> frozenset[tuple[str, str]]:
    """Where a package imports something that is neither Python's nor ours, and its top-level name."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"{package}/*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [line for line in tracked.stdout.splitlines() if (ROOT / line).is_file()]
    assert files, f"no code found in {package}: the check would prove nothing"
    known = sys.stdlib_module_names | EXTRAS_OF.keys()
    return frozenset(
        (file, top) for file in files for top in _top_level_names(ROOT / file) if top not in known
    )


def _top_level_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _distributions(module: str) -> set[str]:
    return {_name(each) for each in DISTRIBUTIONS.get(module, [])}


@pytest.mark.parametrize("package", EXTRAS_OF)
def test_a_package_imports_only_what_is_declared_for_it(package: str) -> None:
    declared = BASE.union(*(EXTRAS[extra] for extra in EXTRAS_OF[package]))
    undeclared = {
        f"{file}: {module}"
        for file, module in _imported_modules(package)
        if not _distributions(module) & declared
    }
    assert undeclared == set()


@pytest.mark.parametrize("extra", [None, *sorted(EVERY_EXTRA)])
def test_what_is_declared_is_imported(extra: str | None) -> None:
    declared = BASE if extra is None else EXTRAS[extra]
    users = [each for each in EXTRAS_OF if each != "tests"] if extra is None else USERS_OF[extra]
    imported = set().union(
        *(_distributions(module) for package in users for _, module in _imported_modules(package))
    )
    assert declared - imported - NEVER_IMPORTED.keys() == set()


def test_what_is_said_to_be_imported_by_nothing_is_not_imported() -> None:
    product = [package for package in EXTRAS_OF if package != "tests"]
    imported = set().union(
        *(_distributions(module) for package in product for _, module in _imported_modules(package))
    )
    assert imported & NEVER_IMPORTED.keys() == set()
