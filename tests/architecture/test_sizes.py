"""The sizes and habits that the design sets, held over every file that is tracked."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("lentera", "protocols", "edge", "cloud", "firmware_sim", "runtime")
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 50
MOST_LINE_CHARACTERS = 140
BUILT_PAGE = ROOT / "edge" / "status" / "page.html"
"""Built by `make generate` from dashboards/web."""
VAGUE_NAMES = {"utils", "helpers", "common", "manager", "misc"}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


@functools.cache
def _product_python() -> list[Path]:
    files = [path for package in PACKAGES for path in _tracked(f"{package}/*.py")]
    assert files, "no product code found: the check would prove nothing"
    return [path for path in files if not path.name.endswith("_pb2.py") and "versions" not in path.parts]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_python_files_are_short() -> None:
    """A file past the limit has more than one reason to exist."""
    long = [(path, n) for path in _product_python() if (n := path.read_text().count("\n")) > MOST_FILE_LINES]
    assert long == []


def test_functions_are_short() -> None:
    """A function past the limit does more than one thing."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _product_python()
        for node in _functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert long == []


def _web_sources(*suffixes: str) -> list[Path]:
    files = [
        path
        for path in _tracked(*(f"*.{suffix}" for suffix in suffixes))
        if "generated" not in path.parts and path != BUILT_PAGE
    ]
    assert files, "no web code found: the check would prove nothing"
    return files


def test_web_files_are_short() -> None:
    """The same limit for the web, its pages and its styles."""
    web = _web_sources("ts", "tsx", "mjs", "css", "html")
    assert [path for path in web if path.read_text().count("\n") > MOST_FILE_LINES] == []


def test_pages_and_styles_have_short_lines() -> None:
    """No formatter breaks them where a file is written for its size alone."""
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _web_sources("css", "html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MOST_LINE_CHARACTERS
    ]
    assert long == []


def test_no_vague_names() -> None:
    """A name says what a module is for."""
    assert [path for path in _product_python() if VAGUE_NAMES & {path.stem, *path.parts}] == []


def test_broad_handlers_are_few() -> None:
    """They hide faults: only the gateway supervisor and the guard around a subscriber may have one."""
    broad = [
        path.relative_to(ROOT).as_posix()
        for path in _product_python()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
    ]
    assert set(broad) <= {"edge/gateway.py", "runtime/message_guard.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package: str) -> None:
    """The first line of a module is its contract."""
    silent = [
        path
        for path in _tracked(f"{package}/*.py")
        if path in _product_python()
        and path.read_text().strip()
        and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []


def test_a_class_name_means_one_thing() -> None:
    """Two public classes of one name make every search ambiguous."""
    places: dict[str, list[str]] = {}
    for path in _product_python():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
