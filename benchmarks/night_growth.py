"""Measures whether the night of one more day stays as quick while the history grows: the same shop after two months, one year and
three years.

Each day brings the same number of visits, and a few late events of the two days before, which the night restates too. New
customers come at a steady rate, so snapshot and profiles grow with the history, as in a real shop.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks import mart
from benchmarks.history import EVENTS_A_CUSTOMER
from benchmarks.night_events import SteadyShop, receive_history
from benchmarks.night_process import AFTERWARDS, NightTimes, run_night
from benchmarks.outcome import Goal, Outcome
from infra.stack.stack import Stack
from source_server.generate import write_history
from source_server.history.customers import SIZE_DAYS
from source_server.history.seeds import SEED

LENGTHS = (60, 365, 1095)
#: Days that are timed after each length. The quickest night counts, because one night differs from the next by a fifth.
TIMES = 3
EVENTS_A_DAY = 1_000
#: The following days contain no sale.
FIRST_DAY = date(2016, 5, 1)
MOST_RATIO = 1.3


@dataclass(frozen=True, slots=True)
class GrowthPoint:
    """The quickest night of one more day after a history of this length."""

    history: int  # days
    times: NightTimes
    customers: int


def measure_growth(stack: Stack, outcome: Outcome, scale: float) -> None:
    shop = make_shop(round(EVENTS_A_DAY * scale))
    points, days_so_far = [], 0
    for length in LENGTHS:
        # One night for each of the two collections of profiles: later nights continue from the state of either.
        for first, last in ((days_so_far + 1, length - 1), (length, length)):
            _receive_days(stack, shop, first, last)
            run_night(stack, nth_day(last))
        nights = [_night_of_day(stack, shop, length + more) for more in range(1, TIMES + 1)]
        points.append(GrowthPoint(length, min(nights, key=lambda night: night.published), _count_customers(stack)))
        days_so_far = length + TIMES
    note = f"{EVENTS_A_DAY * scale:,.0f} events a day; two earlier days have late events and are restated; quickest of {TIMES}"
    report(outcome, points, note)


def make_shop(events_a_day: int) -> SteadyShop:
    events = max(SIZE_DAYS, events_a_day * SIZE_DAYS)
    return SteadyShop(SEED, FIRST_DAY, max(1, events // EVENTS_A_CUSTOMER), events)


def nth_day(number: int) -> date:
    """Day 1 is the first of the history."""
    return FIRST_DAY + timedelta(days=number - 1)


def report(outcome: Outcome, points: Sequence[GrowthPoint], note: str) -> None:
    for point in points:
        after = f"one more day after {point.history}"
        outcome.measure(f"{after}: until it is published", point.times.published, "s", note)
        outcome.measure(f"{after}: the whole command", point.times.wall, "s", f"{point.customers:,} customers")
    first, last = points[0], points[-1]
    for step, seconds in last.times.steps.items():
        before = ", ".join(f"{point.times.steps.get(step, 0):.1f} s after {point.history}" for point in points[:-1])
        note = f"{before}; readers don't wait for it" if step in AFTERWARDS else before
        outcome.measure(f"  {step}, after {last.history} days", seconds, "s", note)
    ratio = last.times.published / first.times.published
    outcome.goals.append(Goal(f"one more day after {last.history} / after {first.history}", ratio, MOST_RATIO, at_least=False))


def _night_of_day(stack: Stack, shop: SteadyShop, number: int) -> NightTimes:
    _receive_days(stack, shop, number, number)
    return run_night(stack, nth_day(number))


def _receive_days(stack: Stack, shop: SteadyShop, first: int, last: int) -> None:
    path = stack.state / f"days-{first}-{last}.parquet"
    write_history(shop, nth_day(first), nth_day(last), path, os.cpu_count() or 1)
    receive_history(stack, path, nth_day(last))
    path.unlink()


def _count_customers(stack: Stack) -> int:
    last = "SELECT max(id) FROM mart.publication"
    (customers,) = mart.read_row(stack.settings, f"SELECT counts->>'customers' FROM mart.publication WHERE id = ({last})")
    return int(customers)
