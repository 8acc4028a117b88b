"""What to type after a load: the days that its events lie on, and whether the last of them is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from cdp.days import day_bounds, day_from_text
from cdp.events.fields import EARLIEST_DAY

#: What is usual is told by so many days before, of which some must have events.
DAYS_BEFORE, LEAST_DAYS = 7, 3
#: A last day that ends so much earlier than usual, or has less than a third of the usual events, looks partial.
EARLIER_HOURS = 3
TIMES = 3
#: A few events that lie so far from all others have a wrong clock.
STRAY_PART, STRAY_GAP = 0.001, timedelta(days=60)


@dataclass(frozen=True, slots=True)
class DayRows:
    """How many rows of a load lie on a day, and when the last of them was."""

    rows: int
    last: datetime

    def __add__(self, other: DayRows) -> DayRows:
        return DayRows(self.rows + other.rows, max(self.last, other.last))


def next_steps(days: Mapping[date, DayRows], today: date) -> str:
    """One line; empty where no event lies on a day that can be published."""
    days = _without_strays({day: rows for day, rows in days.items() if day_from_text(EARLIEST_DAY) <= day <= today})
    if not days:
        return ""
    last, whole = max(days), sorted(days)
    partial = _partial(days, last, today)
    if not partial:
        return f"next: ./run stream --once, then ./run night {_range(whole)}"
    night = f", then ./run night {_range(whole[:-1])}" if whole[:-1] else ""
    accept = f'to publish it all the same: ./run night --day {last} --accept volume --why "..."'
    return f"next: ./run stream --once{night}  ({last} looks partial: {partial}; {accept})"


def _range(days: list[date]) -> str:
    return f"--day {days[0]}" if len(days) == 1 else f"--from {days[0]} --to {days[-1]}"


def _partial(days: Mapping[date, DayRows], last: date, today: date) -> str:
    """Why the last day looks partial, or nothing."""
    found = days[last]
    ends = f"its last event is at {found.last:%H:%M}"
    if last == today:
        return f"it is not over, {ends}"
    before = [days[day] for back in range(1, DAYS_BEFORE + 1) if (day := last - timedelta(days=back)) in days]
    if len(before) < LEAST_DAYS:
        return ""
    usual = median(_hour_of_day(each.last) for each in before)
    if _hour_of_day(found.last) < usual - EARLIER_HOURS:
        return ends
    rows = median(each.rows for each in before)
    return f"it has {found.rows:,} events, the days before it {rows:,.0f}" if found.rows * TIMES < rows else ""


def _hour_of_day(at: datetime) -> float:
    return (at - day_bounds(at.date())[0]) / timedelta(hours=1)


def _without_strays(days: Mapping[date, DayRows]) -> Mapping[date, DayRows]:
    """A few events before or after a long gap are left out of the range; the night counts them where they lie."""
    few = STRAY_PART * sum(each.rows for each in days.values())
    in_order = sorted(days)
    for end in (in_order, in_order[::-1]):
        passed = 0
        for day, following in pairwise(end):
            passed += days[day].rows
            if passed > few:
                break
            if abs(following - day) > STRAY_GAP:
                days = {each: rows for each, rows in days.items() if abs(each - end[-1]) <= abs(following - end[-1])}
    return days
