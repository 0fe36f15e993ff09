"""Packages import one another in one direction, computed from the syntax trees and not from the contracts."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Graph = dict[str, set[str]]


def imported_modules(tree: ast.AST, top: str) -> Iterator[str]:
    """The modules below the package `top` that a module imports, also inside functions."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module == top:
                yield from (f"{top}.{alias.name}" for alias in node.names)
            case ast.ImportFrom(module=str(module)) if module.startswith(f"{top}."):
                yield module
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name.startswith(f"{top}."))


def package_graph(sources: Mapping[Path, str], top: str) -> Graph:
    """What each package and module directly below `top` imports of its siblings."""
    graph: Graph = {}
    for path, text in sources.items():
        name = path.parts[1].removesuffix(".py")
        for module in imported_modules(ast.parse(text), top):
            if (other := module.split(".")[1]) != name:
                graph.setdefault(name, set()).add(other)
    return graph


def cycle_in(graph: Graph) -> list[str]:
    """The names along one import cycle; empty where there is none."""
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := visit(other, [*trail, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := visit(name, []))), [])


@pytest.mark.parametrize("top", ["cloud", "edge", "firmware_sim", "lentera", "protocols"])
def test_packages_import_in_one_direction(top: str) -> None:
    sources = {path.relative_to(ROOT): path.read_text() for path in (ROOT / top).rglob("*.py")}
    graph = package_graph(sources, top)
    assert len(graph) > 2, "few imports found: the check would prove nothing"
    assert cycle_in(graph) == []


def test_a_cycle_over_three_packages_is_found() -> None:
    sources = {
        Path("cloud/alarms/model.py"): "from cloud.live.views import View",
        Path("cloud/live/views.py"): "def late() -> None:\n    import cloud.state.store",
        Path("cloud/state/store.py"): "from cloud import alarms, config",
        Path("cloud/app.py"): "from cloud.alarms import model",
    }
    graph = package_graph(sources, "cloud")
    assert graph["app"] == {"alarms"}
    assert cycle_in(graph) == ["alarms", "live", "state", "alarms"]


def test_imports_within_a_package_are_no_cycle() -> None:
    sources = {
        Path("edge/line/bus.py"): "from edge.line.port import Port\nfrom protocols.clock import Clock",
        Path("edge/line/port.py"): "from edge.line.bus import Bus",
    }
    assert cycle_in(package_graph(sources, "edge")) == []
