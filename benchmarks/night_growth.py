"""Whether the night of one more day stays as quick while the history grows: the same shop after two months, one year and three.

Each day brings as many visits, and a few late events of the two days before, which the night restates too. Customers are not
kept as few: new ones come at a steady rate, so that snapshot and profiles grow with the history, as a shop's do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks import mart
from benchmarks.history import EVENTS_A_CUSTOMER
from benchmarks.night_events import SteadyShop, receive
from benchmarks.night_process import AFTERWARDS, NightTook, run_night
from benchmarks.outcome import Goal, Outcome
from infra.stack.stack import Stack
from source_server.generate import SEED, write_history
from source_server.history.customers import SIZE_DAYS

LENGTHS = (60, 365, 1095)
#: More days that are timed after each length; the quickest night counts, for one alone differs by a fifth from the next.
TIMES = 3
EVENTS_A_DAY = 1_000
#: No sale lies in the days that follow.
FIRST_DAY = date(2016, 5, 1)
MOST_RATIO = 1.3


@dataclass(frozen=True, slots=True)
class OneMore:
    """The quickest night of one more day after so many."""

    history: int  # days
    took: NightTook
    customers: int


def one_more_day(stack: Stack, outcome: Outcome, scale: float) -> None:
    shop = shop_of(round(EVENTS_A_DAY * scale))
    found, there = [], 0
    for length in LENGTHS:
        # A night each for the two collections of profiles: then both hold a state that the next ones go on from.
        for first, last in ((there + 1, length - 1), (length, length)):
            _arrive(stack, shop, first, last)
            run_night(stack, day_of(last))
        nights = [_night_of_day(stack, shop, length + more) for more in range(1, TIMES + 1)]
        found.append(OneMore(length, min(nights, key=lambda night: night.published), _customers(stack)))
        there = length + TIMES
    said = f"{EVENTS_A_DAY * scale:,.0f} events a day; late ones of two more days, which are restated; the quickest of {TIMES}"
    report(outcome, found, said)


def shop_of(events_a_day: int) -> SteadyShop:
    events = max(SIZE_DAYS, events_a_day * SIZE_DAYS)
    return SteadyShop(SEED, FIRST_DAY, max(1, events // EVENTS_A_CUSTOMER), events)


def day_of(number: int) -> date:
    """The history's first day is 1."""
    return FIRST_DAY + timedelta(days=number - 1)


def report(outcome: Outcome, found: Sequence[OneMore], note: str) -> None:
    for one in found:
        after = f"one more day after {one.history}"
        outcome.measure(f"{after}: until it is published", one.took.published, "s", note)
        outcome.measure(f"{after}: the whole command", one.took.wall, "s", f"{one.customers:,} customers")
    first, last = found[0], found[-1]
    for step, seconds in last.took.steps.items():
        before = ", ".join(f"{one.took.steps.get(step, 0):.1f} s after {one.history}" for one in found[:-1])
        said = f"{before}; readers don't wait for it" if step in AFTERWARDS else before
        outcome.measure(f"  {step}, after {last.history} days", seconds, "s", said)
    ratio = last.took.published / first.took.published
    outcome.goals.append(Goal(f"one more day after {last.history} / after {first.history}", ratio, MOST_RATIO, at_least=False))


def _night_of_day(stack: Stack, shop: SteadyShop, number: int) -> NightTook:
    _arrive(stack, shop, number, number)
    return run_night(stack, day_of(number))


def _arrive(stack: Stack, shop: SteadyShop, first: int, last: int) -> None:
    path = stack.state / f"days-{first}-{last}.parquet"
    write_history(shop, day_of(first), day_of(last), path, os.cpu_count() or 1)
    receive(stack, path, day_of(last))
    path.unlink()


def _customers(stack: Stack) -> int:
    last = "SELECT max(id) FROM mart.publication"
    (customers,) = mart.row(stack.settings, f"SELECT counts->>'customers' FROM mart.publication WHERE id = ({last})")
    return int(customers)
