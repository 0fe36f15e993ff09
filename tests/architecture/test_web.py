"""The layers of the web sources: no cycle between folders, no import upwards, each colour in one place."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "dashboards" / "web" / "src"
LAYERS = (
    {"app"},
    {"areas", "bar", "faults", "lamp", "map", "night", "search", "session", "status"},
    {"ui"},
    {"state"},
    {"api", "format"},
    {"i18n", "theme"},
)
"""A folder may import the folders of the layers below its own; features know nothing of one another."""
COLOURS = SRC / "theme" / "colours.ts"
WRITES_CSS = SRC / "theme" / "mix.ts"
SPECIFIER = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']*)["']""")
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b(?!\w)|\brgba?\(|\bhsla?\(|%23[0-9a-fA-F]{6}\b")

Imports = dict[str, set[str]]


def _is_test(path: Path) -> bool:
    return ".test." in path.name or "testing" in path.relative_to(SRC).parts


def _sources(*suffixes: str) -> list[Path]:
    found = [path for path in SRC.rglob("*") if path.suffix in suffixes and not _is_test(path)]
    assert found, "no web source found: the check would prove nothing"
    return found


def imports_of(sources: list[Path], root: Path = SRC) -> Imports:
    """Which folders of `root` each folder imports."""
    imports: Imports = {}
    for path in sources:
        folder = path.relative_to(root).parts[0]
        targets = [(path.parent / found).resolve() for found in SPECIFIER.findall(path.read_text())]
        imports.setdefault(folder, set()).update(target.relative_to(root).parts[0] for target in targets)
        imports[folder].discard(folder)
    return imports


def cycle_in(imports: Imports) -> list[str] | None:
    """The folders of one cycle, the first of them again at the end; None where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def upward_in(imports: Imports) -> list[str]:
    """Imports that do not lead to a layer below."""
    layer = {folder: depth for depth, folders in enumerate(LAYERS) for folder in folders}
    return [
        f"{folder} -> {target}"
        for folder, targets in sorted(imports.items())
        for target in sorted(targets)
        if layer[target] <= layer[folder]
    ]


def test_the_folders_form_no_cycle() -> None:
    """Two folders that import each other are one."""
    assert cycle_in(imports_of(_sources(".ts", ".tsx"))) is None


def test_every_folder_has_a_layer_and_imports_only_below_it() -> None:
    """`ui` and `theme` know no feature, and no feature knows the app or another feature."""
    imports = imports_of(_sources(".ts", ".tsx"))
    assert set(imports) == set().union(*LAYERS)
    assert upward_in(imports) == []


@pytest.mark.parametrize(
    ("folder", "target", "cycle"),
    [("theme", "map", True), ("ui", "lamp", True), ("state", "app", True), ("map", "night", False)],
)
def test_a_wrong_import_would_be_found(folder: str, target: str, cycle: bool) -> None:
    """The checks see what they are there for."""
    imports = imports_of(_sources(".ts", ".tsx"))
    imports[folder] = imports[folder] | {target}
    assert (cycle_in(imports) is not None) == cycle
    assert upward_in(imports) == [f"{folder} -> {target}"]


def test_imports_are_read_from_every_form_of_them(tmp_path: Path) -> None:
    """Static, for types, for effects and dynamic."""
    (tmp_path / "a").mkdir()
    source = tmp_path / "a" / "a.tsx"
    source.write_text(
        'import { x } from "../b/x";\nimport type {\n  Y,\n} from "../c/y";\nimport "../d/z.css";\n'
        'export { q } from "../e";\nconst w = await import("../f/w");\n'
        'import v from "./v";\nimport r from "react";\n'
    )
    assert imports_of([source], tmp_path) == {"a": {"b", "c", "d", "e", "f"}}


def test_each_colour_is_written_once() -> None:
    """Map, desk and status page take their colours from one file."""
    elsewhere = [
        f"{path.relative_to(SRC.parent)}: {found.group()}"
        for path in [*_sources(".ts", ".tsx", ".css"), *SRC.parent.glob("*.html")]
        if path not in (COLOURS, WRITES_CSS) and "generated" not in path.parts
        for found in COLOUR.finditer(path.read_text())
    ]
    assert elsewhere == []
    values = re.findall(r'"#[0-9a-fA-F]{6}"', COLOURS.read_text())
    assert len(values) > 50
    assert sorted({value for value in values if values.count(value) > 1}) == []
