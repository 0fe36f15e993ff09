"""What a benchmark says, on the screen and in bench/results.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parents[2] / "bench" / "results.json"


class SkippedError(Exception):
    """A benchmark that cannot be run here, and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure; `reference` is the physical limit, the peer or the promise it is held against."""

    name: str
    value: float
    unit: str
    reference: float
    holds: bool

    @property
    def ratio(self) -> float:
        """The figure as a part of its reference."""
        return self.value / self.reference


def report(results: list[Result]) -> None:
    """Print a table and write the file."""
    table = Table("name", "value", "unit", "reference", "ratio", "holds")
    for result in results:
        cells = (f"{result.value:.4g}", result.unit, f"{result.reference:.4g}", f"{result.ratio:.3f}")
        table.add_row(result.name, *cells, "yes" if result.holds else "NO")
    Console(width=110).print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    rows = [asdict(result) | {"ratio": round(result.ratio, 4)} for result in results]
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
