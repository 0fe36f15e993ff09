"""Each step and each module that docs/architecture.md names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
STEPS = re.findall(r"^\| (\d+) \| `([\w.]+)` \| \[([\w/.]+)\]\(\.\./([\w/.]+)\) \|", PAGE, re.MULTILINE)
MOST_STEPS = 12


def definitions(path: Path) -> set[str]:
    """The functions, classes and methods (as `Class.method`) of a module."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {node.name} | {
                f"{node.name}.{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


def test_both_paths_have_few_steps() -> None:
    numbers = [int(number) for number, *_ in STEPS]
    second = numbers.index(1, 1)
    for path in (numbers[:second], numbers[second:]):
        assert path == list(range(1, len(path) + 1))
        assert 8 <= len(path) <= MOST_STEPS


@pytest.mark.parametrize(("definition", "shown", "target"), [step[1:] for step in STEPS])
def test_each_step_is_a_definition(definition: str, shown: str, target: str) -> None:
    assert shown == target
    assert definition in definitions(ROOT / target)


def test_each_linked_file_and_folder_exists() -> None:
    links = set(re.findall(r"\]\((?:\.\./)?([\w/.-]+)\)", PAGE))
    missing = [link for link in links if not (ROOT / link).exists() and not (ROOT / "docs" / link).exists()]
    assert len(links) > 30
    assert missing == []


@pytest.mark.parametrize("top", ["edge", "cloud"])
def test_each_package_is_named(top: str) -> None:
    packages = {path.parent.name for path in (ROOT / top).glob("*/__init__.py")} - {"migrations", "tools"}
    assert {name for name in packages if f"(../{top}/{name}" not in PAGE} == set()
