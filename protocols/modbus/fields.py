"""Reads a profile's TOML fields one by one and collects all problems, so that one run reports them all."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)


class ProfileError(ValueError):
    """A profile that cannot be used; `problems` name file, line, field, value and what was expected."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


HEADER: Final = "[[register]]"


def lines_of(text: str) -> list[dict[str, int]]:
    """Return the line of each field: first those of the head, then those of each register and its header.

    Registers in another notation than a `[[register]]` header are not found.
    """
    sections: list[dict[str, int]] = [{}]
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() == HEADER:
            sections.append({HEADER: number})
        elif (field := _FIELD.match(line)) is not None:
            sections[-1].setdefault(field[1], number)
    return sections


_FIELD = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class FieldReader:
    """Reads typed fields of one TOML table; a wrong one becomes a problem, and a valid value replaces it."""

    def __init__(
        self,
        fields: object,
        source: str,
        lines: Mapping[str, int],
        where: str = "",
        problems: list[str] | None = None,
    ) -> None:
        self.source = source
        self.problems = problems if problems is not None else []
        self._lines = lines
        self._where = where
        self._fields: dict[str, object] = dict(fields) if isinstance(fields, dict) else {}
        self._known: set[str] = {"register"}

    def problem(self, name: str, value: object, expected: str) -> None:
        """Add the problem that field `name` is `value` instead of `expected`."""
        line = self._lines.get(name) or self._lines.get(HEADER)
        place = ", ".join(part for part in (f"line {line}" if line else "", self._where) if part)
        found = "is missing" if value is None else f"is {value!r}"
        text = f"{name} {found}, expected {expected}"
        self.problems.append(f"{self.source}: {place}: {text}" if place else f"{self.source}: {text}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._take(name, default)
        if isinstance(value, str):
            return value
        self.problem(name, value, "a text")
        return ""

    def identifier(self, name: str) -> str:
        """Return a name in lower_snake_case."""
        value = self._take(name, None)
        if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]*", value):
            return value
        self.problem(name, value, "a name in lower_snake_case")
        return ""

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._take(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.problem(name, value, f"a whole number from {low} to {high}")
        return low

    def number(self, name: str, default: float) -> float:
        """Return a number."""
        value = self._take(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        self.problem(name, value, "a number")
        return default

    def optional_number(self, name: str) -> float | None:
        """Return a number, or None where the field is absent."""
        self._known.add(name)
        return self.number(name, 0.0) if name in self._fields else None

    def fraction(self, name: str) -> Fraction:
        """Return a positive factor: a number, or a text such as "1/3600" where no decimal is exact."""
        value = self._take(name, 1)
        try:
            factor = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            factor = Fraction(0)
        if factor > 0:
            return factor
        self.problem(name, value, 'a positive number or a text such as "1/3600"')
        return Fraction(1)

    def integers(self, name: str) -> frozenset[int]:
        """Return raw values from 0 to 0xFFFFFFFF."""
        value = self._take(name, [])
        if isinstance(value, list) and all(
            isinstance(item, int) and 0 <= item <= 0xFFFFFFFF for item in value
        ):
            return frozenset(value)
        self.problem(name, value, "a list of raw values from 0 to 0xFFFFFFFF")
        return frozenset()

    def flag(self, name: str) -> bool:
        """Return true or false; false where absent."""
        value = self._take(name, False)
        if isinstance(value, bool):
            return value
        self.problem(name, value, "true or false")
        return False

    def choice(self, name: str, choices: type[_Choice], default: _Choice | None = None) -> _Choice:
        """Return one of an enumeration's values."""
        value = self._take(name, default)
        try:
            if value is not None:
                return choices(str(value))
        except ValueError:
            pass
        self.problem(name, value, f"one of {', '.join(choices)}")
        return next(iter(choices))

    def reject_unknown(self) -> None:
        """Add a problem for every field that was not read: most are misspelt."""
        for name in sorted(self._fields.keys() - self._known):
            self.problem(
                name, self._fields[name], f"no such field; known are {', '.join(sorted(self._known))}"
            )

    def _take(self, name: str, default: object) -> object:
        self._known.add(name)
        return self._fields.get(name, default)
