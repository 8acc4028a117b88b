"""The windows of behaviours: which days count, counted from the published day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from cdp.rules.tree import Window

Days = tuple[date, date]
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WindowKind:
    """One way to name the days; `takes` is what its values are."""

    key: str
    label: str
    values: Literal["none", "one", "two"]
    takes: Literal["days", "date", ""] = ""
    about: str = ""


WINDOW_KINDS: tuple[WindowKind, ...] = (
    WindowKind("ever", "ever", "none"),
    WindowKind("last_days", "in the last … days", "one", "days", "The published day is the first of these days."),
    WindowKind("days_ago", "between … and … days ago", "two", "days", "Counted back from the published day; both ends count."),
    WindowKind("between", "between two days", "two", "date", "Both days count."),
    WindowKind("this_week", "this week", "none", about="From Monday to the published day."),
    WindowKind("last_week", "last week", "none", about="Monday to Sunday."),
    WindowKind("this_month", "this month", "none", about="From the first of the month to the published day."),
    WindowKind("last_month", "last month", "none", about="The calendar month before."),
    WindowKind("this_year", "this year", "none", about="From 1 January to the published day."),
    WindowKind("last_year", "last year", "none", about="The calendar year before."),
)
WINDOWS_BY_KEY = {kind.key: kind for kind in WINDOW_KINDS}
CALENDAR = ("this_week", "last_week", "this_month", "last_month", "this_year", "last_year")


def find_days(window: Window, as_of: date) -> tuple[date | None, date]:
    """The first day (None for no limit) and the last day of a window, never after the published day."""
    match window.kind, window.values:
        case "ever", _:
            return None, as_of
        case "last_days", (int(days),):
            return go_back(as_of, days - 1), as_of
        case "days_ago", (int(near), int(far)):
            return go_back(as_of, far), go_back(as_of, near)
        case "between", (date() as first, date() as last):
            return first, min(last, as_of)
    first, last = find_period(window.kind, as_of)
    return first, min(last, as_of)


def find_period(key: str, as_of: date) -> Days:
    """The first and last day of a calendar period, such as `last_month`."""
    return _PERIODS[key](as_of)


def find_anniversaries(as_of: date, days: int) -> list[tuple[int, int]]:
    """(month, day) of each date whose anniversary is on one of these days, which begin with the published day."""
    month_days: set[tuple[int, int]] = set()
    for offset in range(min(days, 366)):
        day = as_of + timedelta(days=offset)
        month_days.add((day.month, day.day))
        if (day.month, day.day) == (2, 28) and not _is_leap_year(day.year):
            month_days.add((2, 29))
    return sorted(month_days)


def go_back(day: date, days: int) -> date:
    """The day that many days before; the first day of the calendar if there is none."""
    return date.fromordinal(max(1, day.toordinal() - days))


def _week(day: date) -> Days:
    monday = go_back(day, day.weekday())
    return monday, monday + timedelta(days=6)


def _month(day: date) -> Days:
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - ONE_DAY


def _year(day: date) -> Days:
    return day.replace(month=1, day=1), day.replace(month=12, day=31)


def _is_leap_year(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


_PERIODS: dict[str, Callable[[date], Days]] = {
    "this_week": _week,
    "last_week": lambda day: _week(day - timedelta(days=7)),
    "this_month": _month,
    "last_month": lambda day: _month(day.replace(day=1) - ONE_DAY),
    "this_year": _year,
    "last_year": lambda day: _year(day.replace(month=1, day=1) - ONE_DAY),
}
