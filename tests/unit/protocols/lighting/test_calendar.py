"""Which program a night follows: the first rule that fits, by dates, days of the year and weekdays."""

from datetime import date, timedelta

import pytest

from protocols.lighting.calendar import Calendar, CalendarRule, MonthDay, program_of_night

WEEKEND = frozenset({6, 7})
NEW_YEAR = CalendarRule("party", MonthDay(12, 31), MonthDay(1, 1))
FEAST = CalendarRule("feast", date(2026, 3, 20), date(2026, 3, 22))
LATE = CalendarRule("late", weekdays=WEEKEND)


def chosen(day: date, *rules: CalendarRule, default: str | None = "usual") -> str | None:
    return program_of_night(Calendar("c", "", rules, default), day)


def test_the_first_rule_that_fits_wins() -> None:
    saturday = date(2026, 3, 21)
    assert saturday.isoweekday() == 6
    assert chosen(saturday, FEAST, LATE) == "feast"
    assert chosen(saturday, LATE, FEAST) == "late"
    assert chosen(saturday + timedelta(days=2), FEAST, LATE) == "usual"
    assert chosen(saturday + timedelta(days=2), FEAST, LATE, default=None) is None


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (FEAST, ["2026-03-20", "2026-03-22"], ["2026-03-19", "2026-03-23", "2027-03-21"]),
        (NEW_YEAR, ["2026-12-31", "2027-01-01", "1999-12-31"], ["2026-12-30", "2027-01-02"]),
        (CalendarRule("p", MonthDay(8, 17), MonthDay(8, 17)), ["2030-08-17"], ["2030-08-16", "2030-08-18"]),
        (CalendarRule("p", MonthDay(2, 29), MonthDay(2, 29)), ["2028-02-29"], ["2027-02-28", "2027-03-01"]),
        (CalendarRule("p", MonthDay(2, 29), MonthDay(3, 2)), ["2027-03-01"], ["2027-02-28", "2027-03-03"]),
        (CalendarRule("p", start=MonthDay(11, 1)), ["2027-11-01", "2027-12-31"], ["2027-01-01"]),
        (CalendarRule("p", end=MonthDay(1, 31)), ["2027-01-01", "2028-01-31"], ["2027-02-01"]),
        (CalendarRule("p", start=date(2027, 5, 1)), ["2027-05-01", "2099-01-01"], ["2027-04-30"]),
        (CalendarRule("p", end=date(2027, 5, 1)), ["2027-05-01", "1999-01-01"], ["2027-05-02"]),
        (
            CalendarRule("p", date(2026, 3, 1), date(2026, 3, 31), WEEKEND),
            ["2026-03-07", "2026-03-29"],
            ["2026-03-06", "2026-04-04"],
        ),
        (CalendarRule("p"), ["1999-01-01", "2099-12-31"], []),
    ],
)
def test_a_rule_fits_its_days_and_no_others(
    rule: CalendarRule, inside: list[str], outside: list[str]
) -> None:
    assert [day for day in inside + outside if rule.fits(date.fromisoformat(day))] == inside
