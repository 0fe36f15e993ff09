"""What docs/field.md promises is shown by tests that exist, so that the page cannot rot."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "field.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what goes")]
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def test_the_page_names_tests() -> None:
    """Were none found, the others would prove nothing."""
    assert len(ROWS) > 40
    assert len(TESTS) > len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_pain_has_an_answer_and_a_proof(row: str) -> None:
    pain, answer, proofs = (cell.strip() for cell in row.strip("|").split("|"))
    assert pain
    assert answer
    assert re.fullmatch(r"(`([\w/]+\.py::\w+|make bench ONLY=\w+)` ?)+", proofs), proofs


def test_each_named_test_exists() -> None:
    missing = [f"{path}::{name}" for path, name in TESTS if name not in _tests_in(ROOT / "tests" / path)]
    assert missing == []


def test_each_named_bench_exists() -> None:
    assert set(re.findall(r"`make bench ONLY=(\w+)`", PAGE)) <= _benches()


def _benches() -> set[str]:
    """The keys of `BENCHMARKS`; the module itself runs them when it is imported."""
    nodes = ast.parse((ROOT / "tests" / "bench" / "__main__.py").read_text()).body
    values = [node.value for node in nodes if isinstance(node, ast.AnnAssign)]
    (table,) = [value for value in values if isinstance(value, ast.Dict)]
    return {key.value for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _tests_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
