"""The shop's history, part by part. A part of a day depends only on the seed, the shop's first day and size, and its own
address. So any process can make it, a longer history starts with the rows of a shorter one, and a later day can be made alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from cdp.days import days_between
from source_server.history import dirt, rows
from source_server.history.catalogue import Catalogue, make_catalogue
from source_server.history.customers import Customers, make_customers
from source_server.history.refunds import MAX_REFUND_DAYS, make_refunds
from source_server.history.rhythm import SECONDS_A_DAY, Part, divide_day, is_sale
from source_server.history.rows import Columns, VisitNames
from source_server.history.seeds import Floats, Ints, make_rng
from source_server.history.visits import Events, Visitors, make_events

EVENTS_A_VISIT = 4.6
#: In a shop with few events for its customers, visits are shorter, so that all customers visit.
FEWEST_VISITS, SHORTEST_VISIT = 1.5, 1.3


@dataclass(frozen=True)
class Shop:
    """A shop: its approximate numbers of customers and events in 60 days, from `first_day` on. `lines` says whether the file can
    keep a broken line whole."""

    seed: int
    first_day: date
    customers: int
    events: int
    lines: bool = True

    @property
    def length(self) -> float:
        """Events of a visit, on average."""
        return min(EVENTS_A_VISIT, max(SHORTEST_VISIT, self.events / self.customers / FEWEST_VISITS))

    def parts(self, first: date, last: date) -> list[Part]:
        """The parts needed, in order, for all rows that arrive from first to last. They include earlier days, whose late events
        and refunds arrive later."""
        if first < self.first_day:
            raise ValueError(f"the history begins on {self.first_day}; {first} is before it.")
        if last < first:
            raise ValueError(f"the range ends ({last}) before it begins ({first}).")
        begin = max(self.first_day, date.fromordinal(first.toordinal() - max(dirt.MAX_LATE_DAYS, MAX_REFUND_DAYS)))
        visits = self.events / self.length
        return [
            part for day in days_between(begin, last) for part in divide_day(self.seed, self.first_day, day, visits, self.length)
        ]


class HistoryMaker:
    """Makes the parts of a shop's days up to `last`."""

    def __init__(self, shop: Shop, last: date) -> None:
        self._shop = shop
        self._last = (last - shop.first_day).days
        self._likelihoods: tuple[int, Floats] = (-1, np.empty(0))

    def make_rows(self, part: Part) -> pa.Table:
        """All rows of a part, whenever they arrive: texts in COLUMNS, and TRUTH."""
        shop, day = self._shop, part.day
        rng = make_rng(shop.seed, "part", day.toordinal(), part.number)
        customer, start = self._draw_visits(rng, part)
        people = self._customers
        visitors = Visitors(people.kind[customer], people.favourites[customer], people.taste[customer], start)
        events = make_events(rng, visitors, self._goods, shop.length, is_sale(day))
        names = rows.draw_names(rng, customer)
        accidents = dirt.draw_accidents(rng, events.second, shop.lines)
        row_events = events.where(accidents.row)
        columns = rows.make_columns(row_events, names, self._goods, day, is_sale(day))
        columns = dirt.apply_defects(columns, accidents.defect, shop.lines)
        table = _with_truth(columns, day, row_events.type, customer[row_events.visit], accidents.arrives, accidents.fate)
        accepted = events.where(accidents.fate[: len(events)] < dirt.DIRTY)
        return pa.concat_tables([table, *self._make_refunds(part, accepted, names)])

    def _make_refunds(self, part: Part, events: Events, names: VisitNames) -> Iterator[pa.Table]:
        """Refunds of purchases among these events, at the price that was paid. They have their own generator, so the rest of
        the history is the same without them."""
        rng = make_rng(self._shop.seed, "refunds", part.day.toordinal(), part.number)
        for later, refunds in make_refunds(rng, events).items():
            day = part.day + timedelta(days=later)
            columns = rows.make_columns(refunds, names, self._goods, day, is_sale(part.day))
            fate = np.zeros(len(refunds), np.int64)
            yield _with_truth(columns, day, refunds.type, names.customer[refunds.visit], refunds.second, fate)

    @cached_property
    def _goods(self) -> Catalogue:
        return make_catalogue(self._shop.seed, self._shop.events)

    @cached_property
    def _customers(self) -> Customers:
        return make_customers(self._shop.seed, self._shop.customers, self._last)

    def _draw_visits(self, rng: np.random.Generator, part: Part) -> tuple[Ints, Ints]:
        """The customers whose visits start in this part, and when: first those who are due on this day, then others by their
        likelihood. Some customers visit twice."""
        day = (part.day - self._shop.first_day).days
        due = np.flatnonzero(self._customers.due == day)[part.number :: part.parts]
        if self._likelihoods[0] != day:
            self._likelihoods = day, self._customers.sum_likelihoods(day)
        totals = self._likelihoods[1]
        more = max(0, part.visits - len(due)) if len(totals) and totals[-1] > 0 else 0
        others = np.searchsorted(totals, np.sort(rng.random(more)) * totals[-1:], side="right")
        customer = rng.permutation(np.concatenate([due, others]))
        return customer, part.starts(rng, len(customer))


def _with_truth(columns: Columns, day: date, kind: Ints, customer: Ints, arrives: Ints, fate: Ints) -> pa.Table:
    """`arrives` in seconds of the day."""
    truth = {
        "arrives": day.toordinal() * SECONDS_A_DAY + arrives,
        "day": np.full(len(kind), day.toordinal()),
        "type": kind,
        "customer": customer,
        "fate": fate,
    }
    return pa.table({**columns, **truth})


def arrivals(parts: Iterable[tuple[Part, pa.Table]], first: date) -> Iterator[pa.Table]:
    """The rows that arrive from the day `first` on, in order of arrival. A late row waits until its time of arrival."""
    waiting: pa.Table | None = None
    for part, table in parts:
        together = table if waiting is None else pa.concat_tables([waiting, table])
        order = np.argsort(together["arrives"].to_numpy(), kind="stable")
        ordered = together.combine_chunks().take(pa.array(order))
        now = part.day.toordinal() * SECONDS_A_DAY + part.end
        due = int(np.searchsorted(ordered["arrives"].to_numpy(), now))
        if part.day >= first:
            yield ordered.slice(0, due)
        waiting = ordered.take(pa.array(np.arange(due, len(ordered))))  # a copy, because a slice would keep all rows in memory
