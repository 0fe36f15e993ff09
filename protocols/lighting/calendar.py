"""Calendars: which lighting program a night follows. TALQ's Calendar with day-based conditions.

Rules are listed in order of priority: the first one that fits decides. A night belongs to the local date of
its noon (TALQ's dayOffset 12), so a rule for Saturday applies until Sunday noon.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class MonthDay:
    """A day of every year."""

    month: int
    day: int


RuleDay = date | MonthDay
"""One day, or that day of every year."""

_FIRST_DAY = MonthDay(1, 1)
_LAST_DAY = MonthDay(12, 31)


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """A program for the nights from `start` to `end`, both included, that begin on one of the weekdays.

    The bounds are two dates or two days of the year; with days of the year, a start after the end spans New
    Year. None means no bound. Weekdays are ISO's, Monday 1 to Sunday 7; None means every day.
    """

    program_id: str
    start: RuleDay | None = None
    end: RuleDay | None = None
    weekdays: frozenset[int] | None = None

    def fits(self, day: date) -> bool:
        """Return whether the rule applies to the night that begins on this local date."""
        if self.weekdays is not None and day.isoweekday() not in self.weekdays:
            return False
        if not isinstance(self.start, MonthDay) and not isinstance(self.end, MonthDay):
            return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)
        start = self.start if isinstance(self.start, MonthDay) else _FIRST_DAY
        end = self.end if isinstance(self.end, MonthDay) else _LAST_DAY
        present = MonthDay(day.month, day.day)
        if start <= end:
            return start <= present <= end
        return present >= start or present <= end  # over New Year


@dataclass(frozen=True, slots=True)
class Calendar:
    """Rules in order of priority, and the program of the nights to which no rule applies."""

    id: str
    name: str
    rules: tuple[CalendarRule, ...] = ()
    default_program_id: str | None = None

    def program_ids(self) -> Iterator[str]:
        """Yield the id of every program that the calendar refers to, with repetitions."""
        yield from (rule.program_id for rule in self.rules)
        if self.default_program_id is not None:
            yield self.default_program_id


def program_of_night(calendar: Calendar, day: date) -> str | None:
    """Return the program id of the night that begins on this local date; None where nothing applies."""
    fitting = (rule.program_id for rule in calendar.rules if rule.fits(day))
    return next(fitting, calendar.default_program_id)
