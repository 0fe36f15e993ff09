"""Converts calendars to and from TALQ's Calendar."""

import re
from datetime import date
from itertools import chain
from typing import Annotated, Final, Literal

import msgspec

from protocols.lighting.calendar import Calendar, CalendarRule, MonthDay, RuleDay
from protocols.lighting.talq import OWNER, TalqError

_LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_DAY: Final = re.compile(r"--(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
_Unsupported = Annotated[list[str], msgspec.Meta(max_length=0)]


class DayRange(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A weekday, Monday 1 to Sunday 7, or a range of them."""

    start: _Weekday
    end: _Weekday | None = None


class DayCondition(
    msgspec.Struct, rename="camel", frozen=True, omit_defaults=True, forbid_unknown_fields=True
):
    """TALQ's ccDay; its `occurrences` in a month are not supported."""

    type: Literal["ccDay"]
    days: Annotated[list[DayRange], msgspec.Meta(min_length=1, max_length=7)]
    occurrences: _Unsupported = msgspec.field(default_factory=list)


class Rule(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """TALQ's CalendarRule: dates are `yyyy-mm-dd`, or `--mm-dd` in every year."""

    program: str
    start_date: str | None = None
    end_date: str | None = None
    condition: DayCondition | None = None


class TalqCalendar(
    msgspec.Struct, rename="camel", frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True
):
    """TALQ's Calendar, and a `name` for people, which TALQ does not have."""

    id: _Id
    owner_cms: str = msgspec.field(name="ownerCMS")
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    rules: Annotated[list[Rule], msgspec.Meta(max_length=400)]
    default_program: str | None = None


def talq_calendar(calendar: Calendar) -> TalqCalendar:
    """Return the calendar in TALQ's shape."""
    return TalqCalendar(
        id=calendar.id,
        owner_cms=OWNER,
        name=calendar.name,
        rules=[_talq_rule(rule) for rule in calendar.rules],
        default_program=calendar.default_program_id,
    )


def calendar_from(talq: TalqCalendar, source: str) -> Calendar:
    """Return the calendar that a TALQ document describes.

    Raises:
        TalqError: it cannot be followed; the message begins with `source`.
    """
    rules = tuple(_rule(rule, source, f"rules[{at}]") for at, rule in enumerate(talq.rules))
    return Calendar(talq.id, talq.name, rules, talq.default_program)


def _talq_rule(rule: CalendarRule) -> Rule:
    condition = None
    if rule.weekdays is not None:
        ranges = []
        for first in sorted(day for day in rule.weekdays if day - 1 not in rule.weekdays):
            last = first
            while last + 1 in rule.weekdays:
                last += 1
            ranges.append(DayRange(first, last if last > first else None))
        condition = DayCondition("ccDay", ranges)
    return Rule(rule.program_id, _date_text(rule.start), _date_text(rule.end), condition)


def _date_text(day: RuleDay | None) -> str | None:
    if isinstance(day, MonthDay):
        return f"--{day.month:02}-{day.day:02}"
    return None if day is None else day.isoformat()


def _rule(talq: Rule, source: str, path: str) -> CalendarRule:
    start = _day(talq.start_date, source, f"{path}.startDate")
    end = _day(talq.end_date, source, f"{path}.endDate")
    if start is not None and end is not None and type(start) is not type(end):
        dates = f"startDate {talq.start_date}, endDate {talq.end_date}"
        raise TalqError(source, path, dates, "a year in both or none")
    if type(start) is date and type(end) is date and end < start:
        raise TalqError(source, f"{path}.endDate", end.isoformat(), f"{start} or later")
    return CalendarRule(talq.program, start, end, _weekdays(talq.condition, source, f"{path}.condition"))


def _day(text: str | None, source: str, path: str) -> RuleDay | None:
    if text is None:
        return None
    if (match := _MONTH_DAY.fullmatch(text)) is not None:
        month, day = int(match[1]), int(match[2])
        if day <= _LONGEST_MONTH[month - 1]:
            return MonthDay(month, day)
    else:
        try:
            return msgspec.convert(text, date)
        except msgspec.ValidationError:
            pass
    raise TalqError(source, path, text, "a date yyyy-mm-dd or --mm-dd")


def _weekdays(condition: DayCondition | None, source: str, path: str) -> frozenset[int] | None:
    if condition is None:
        return None
    for at, days in enumerate(condition.days):
        if days.end is not None and days.end <= days.start:
            raise TalqError(source, f"{path}.days[{at}].end", days.end, f"more than {days.start}")
    ranges = (range(days.start, (days.end or days.start) + 1) for days in condition.days)
    return frozenset(chain.from_iterable(ranges))
