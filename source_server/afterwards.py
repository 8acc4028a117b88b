"""The next commands after a load: which days its events are on, and whether the last day looks complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from cdp.days import day_bounds, day_from_text
from cdp.events.fields import EARLIEST_DAY

#: The usual day is computed over this many days before, of which at least LEAST_DAYS must have events.
DAYS_BEFORE, LEAST_DAYS = 7, 3
#: A last day looks partial if it ends this much earlier than usual, or has less than a third (TIMES) of the usual events.
EARLIER_HOURS = 3
TIMES = 3
#: A few events this far from all others come from a wrong clock.
STRAY_PART, STRAY_GAP = 0.001, timedelta(days=60)


@dataclass(frozen=True, slots=True)
class DayRows:
    """The number of rows of a load on one day, and the time of the last."""

    rows: int
    last: datetime

    def __add__(self, other: DayRows) -> DayRows:
        return DayRows(self.rows + other.rows, max(self.last, other.last))


def next_steps(days: Mapping[date, DayRows], today: date) -> str:
    """One line; "" if no event is on a day that can be published."""
    days = _without_strays({day: rows for day, rows in days.items() if day_from_text(EARLIEST_DAY) <= day <= today})
    if not days:
        return ""
    last, in_order = max(days), sorted(days)
    reason = _explain_partial(days, last, today)
    if not reason:
        return f"next: ./run stream --once, then ./run night {_format_range(in_order)}"
    night = f", then ./run night {_format_range(in_order[:-1])}" if in_order[:-1] else ""
    accept = f'to publish it anyway: ./run night --day {last} --accept volume --why "..."'
    return f"next: ./run stream --once{night}  ({last} looks partial: {reason}; {accept})"


def _format_range(days: list[date]) -> str:
    return f"--day {days[0]}" if len(days) == 1 else f"--from {days[0]} --to {days[-1]}"


def _explain_partial(days: Mapping[date, DayRows], last: date, today: date) -> str:
    """Why the last day looks partial; "" if it does not."""
    last_rows = days[last]
    ends = f"its last event is at {last_rows.last:%H:%M}"
    if last == today:
        return f"it is not over, {ends}"
    before = [days[day] for back in range(1, DAYS_BEFORE + 1) if (day := last - timedelta(days=back)) in days]
    if len(before) < LEAST_DAYS:
        return ""
    usual = median(_hour_of_day(each.last) for each in before)
    if _hour_of_day(last_rows.last) < usual - EARLIER_HOURS:
        return ends
    rows = median(each.rows for each in before)
    if last_rows.rows * TIMES >= rows:
        return ""
    return f"it has {last_rows.rows:,} events, the days before it {rows:,.0f}"


def _hour_of_day(at: datetime) -> float:
    return (at - day_bounds(at.date())[0]) / timedelta(hours=1)


def _without_strays(days: Mapping[date, DayRows]) -> Mapping[date, DayRows]:
    """Leave a few events before or after a long gap out of the range; the night still counts them on their own days."""
    few = STRAY_PART * sum(each.rows for each in days.values())
    in_order = sorted(days)
    for end in (in_order, in_order[::-1]):
        rows_before_gap = 0
        for day, following in pairwise(end):
            rows_before_gap += days[day].rows
            if rows_before_gap > few:
                break
            if abs(following - day) > STRAY_GAP:
                days = {each: rows for each, rows in days.items() if abs(each - end[-1]) <= abs(following - end[-1])}
    return days
