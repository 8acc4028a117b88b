"""The shop's history, day by day. Each day hangs on the seed and on itself alone, so a longer history begins
with the same rows as a shorter one, and a single further day can be had by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from random import Random

from cdp.days import days_between
from source_server.history.catalogue import Shelf, shelves
from source_server.history.customers import SIZE_DAYS, Customer, customers_until
from source_server.history.dirt import MAX_LATE_DAYS, with_accidents
from source_server.history.rows import Row, rows_of_visit
from source_server.history.visits import SECONDS_A_DAY, visit_on_day

EVENTS_A_VISIT = 4.60  # measured; it turns a number of events into a number of visits
GROWTH_A_DAY = 0.002
NOISE = 0.04
#: Monday to Sunday.
WEEKDAYS = (0.94, 0.92, 0.94, 0.97, 1.03, 1.12, 1.08)
#: The sale comes once a year, on the tenth of October.
SALE = (10, 10)
SALE_CROWD = 2.2


@dataclass(frozen=True)
class Shop:
    """A shop of a size: about so many customers and events in 60 days, beginning on `first_day`."""

    seed: int
    first_day: date
    customers: int
    events: int

    @cached_property
    def shelves(self) -> tuple[Shelf, ...]:
        return shelves(self.seed)

    def arrivals(self, first: date, last: date) -> Iterator[tuple[date, list[Row]]]:
        """For each day the rows that arrive on it, in order of arrival: those of the day, and late ones of days before."""
        if first < self.first_day:
            raise ValueError(f"the history begins on {self.first_day}; {first} lies before it.")
        if last < first:
            raise ValueError(f"the range ends ({last}) before it begins ({first}).")
        known = customers_until(self.seed, self.customers, (last - self.first_day).days)
        begin = max(self.first_day, date.fromordinal(first.toordinal() - MAX_LATE_DAYS))
        waiting: list[Row] = []
        for day in days_between(begin, last):
            waiting = sorted(waiting + self._happening(day, known), key=_arrival)
            due = sum(row.arrives < SECONDS_A_DAY for row in waiting)
            if day >= first:
                yield day, waiting[:due]
            waiting = [row._replace(arrives=row.arrives - SECONDS_A_DAY) for row in waiting[due:]]

    def _happening(self, day: date, known: list[Customer]) -> list[Row]:
        """What happens on a day, whenever it arrives."""
        rng = Random(f"{self.seed}/day/{day}")
        sale = (day.month, day.day) == SALE
        visitors = self._visitors(rng, day, [customer for customer in known if customer.arrival <= (day - self.first_day).days])
        visits = (visit_on_day(rng, visitor, self.shelves, sale) for visitor in visitors)
        rows = [row for visit in visits for row in rows_of_visit(visit, day, sale)]
        return list(with_accidents(rng, rows))

    def _visitors(self, rng: Random, day: date, known: list[Customer]) -> list[Customer]:
        """Who comes: all whose first day it is, then others, by how likely each is to come. Some come twice."""
        index = (day - self.first_day).days
        newcomers = [customer for customer in known if customer.arrival == index]
        more = max(0, self._visits(rng, day) - len(newcomers))
        weights = list(accumulate(customer.weight(index) for customer in known))
        return newcomers + (rng.choices(known, cum_weights=weights, k=more) if weights and weights[-1] > 0 else [])

    def _visits(self, rng: Random, day: date) -> int:
        crowd = SALE_CROWD if (day.month, day.day) == SALE else 1.0
        growth = 1 + GROWTH_A_DAY * ((day - self.first_day).days - SIZE_DAYS / 2)
        a_day = self.events / SIZE_DAYS / EVENTS_A_VISIT
        return round(a_day * WEEKDAYS[day.weekday()] * growth * crowd * rng.gauss(1.0, NOISE))


def _arrival(row: Row) -> int:
    return row.arrives
