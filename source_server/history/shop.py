"""The shop's history, part by part. Each part of a day hangs on the seed, on the shop's first day and size, and on itself
alone: it can be made by any process, a longer history begins with the rows of a shorter one, and a single further day
can be had by itself.
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
from source_server.history.catalogue import Catalogue, catalogue
from source_server.history.customers import Customers, customers_until
from source_server.history.refunds import MAX_REFUND_DAYS, refunds_of
from source_server.history.rhythm import SECONDS_A_DAY, Part, is_sale, parts_of_day
from source_server.history.rows import Columns, Names
from source_server.history.seeds import Floats, Ints, rng_of
from source_server.history.visits import Events, Visitors, events_of

EVENTS_A_VISIT = 4.6
#: In a shop with few events for its customers visits are shorter, so that all of them come.
FEWEST_VISITS, SHORTEST_VISIT = 1.5, 1.3


@dataclass(frozen=True)
class Shop:
    """A shop of a size: about so many customers and events in 60 days, beginning on `first_day`. `lines` says whether the
    file keeps a broken line whole."""

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
        """What has to be made, in order, to know all that arrives from first to last: days before have late events
        and refunds."""
        if first < self.first_day:
            raise ValueError(f"the history begins on {self.first_day}; {first} lies before it.")
        if last < first:
            raise ValueError(f"the range ends ({last}) before it begins ({first}).")
        begin = max(self.first_day, date.fromordinal(first.toordinal() - max(dirt.MAX_LATE_DAYS, MAX_REFUND_DAYS)))
        visits = self.events / self.length
        return [
            part
            for day in days_between(begin, last)
            for part in parts_of_day(self.seed, self.first_day, day, visits, self.length)
        ]


class Maker:
    """Makes the parts of a shop's days until `last`."""

    def __init__(self, shop: Shop, last: date) -> None:
        self._shop = shop
        self._last = (last - shop.first_day).days
        self._eager: tuple[int, Floats] = (-1, np.empty(0))

    def rows(self, part: Part) -> pa.Table:
        """What happens in a part, whenever it arrives: text in COLUMNS, and TRUTH."""
        shop, day = self._shop, part.day
        rng = rng_of(shop.seed, "part", day.toordinal(), part.number)
        customer, start = self._visits(rng, part)
        visitors = Visitors(self._customers.kind[customer], self._customers.favourites[customer], start)
        events = events_of(rng, visitors, self._goods, shop.length, is_sale(day))
        named = rows.names(rng, customer)
        happened = dirt.accidents(rng, events.second, shop.lines)
        sent = events.where(happened.row)
        columns = dirt.spoilt(rows.columns_of(sent, named, self._goods, day, is_sale(day)), happened.spoil, shop.lines)
        table = _with_truth(columns, day, sent.type, customer[sent.visit], happened.arrives, happened.fate)
        accepted = events.where(happened.fate[: len(events)] < dirt.DIRTY)
        return pa.concat_tables([table, *self._refunds(part, accepted, named)])

    def _refunds(self, part: Part, events: Events, named: Names) -> Iterator[pa.Table]:
        """Of what these events bought, at the price that was paid. Their chance has an address of its own, which leaves the rest
        of the history as it is without them."""
        rng = rng_of(self._shop.seed, "refunds", part.day.toordinal(), part.number)
        for later, refunds in refunds_of(rng, events).items():
            day = part.day + timedelta(days=later)
            columns = rows.columns_of(refunds, named, self._goods, day, is_sale(part.day))
            fate = np.zeros(len(refunds), np.int64)
            yield _with_truth(columns, day, refunds.type, named.customer[refunds.visit], refunds.second, fate)

    @cached_property
    def _goods(self) -> Catalogue:
        return catalogue(self._shop.seed, self._shop.events)

    @cached_property
    def _customers(self) -> Customers:
        return customers_until(self._shop.seed, self._shop.customers, self._last)

    def _visits(self, rng: np.random.Generator, part: Part) -> tuple[Ints, Ints]:
        """Whose visits begin in this part, and when: first those whose day it is, then others, by how likely each is to
        come. Some come twice."""
        day = (part.day - self._shop.first_day).days
        due = np.flatnonzero(self._customers.due == day)[part.number :: part.parts]
        if self._eager[0] != day:
            self._eager = day, self._customers.eager(day)
        eager = self._eager[1]
        more = max(0, part.visits - len(due)) if len(eager) and eager[-1] > 0 else 0
        others = np.searchsorted(eager, np.sort(rng.random(more)) * eager[-1:], side="right")
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


def arrivals(made: Iterable[tuple[Part, pa.Table]], first: date) -> Iterator[pa.Table]:
    """What arrives from the day `first` on, in order of arrival: a row waits until its time has come."""
    waiting: pa.Table | None = None
    for part, table in made:
        together = table if waiting is None else pa.concat_tables([waiting, table])
        order = np.argsort(together["arrives"].to_numpy(), kind="stable")
        ordered = together.combine_chunks().take(pa.array(order))
        now = part.day.toordinal() * SECONDS_A_DAY + part.end
        due = int(np.searchsorted(ordered["arrives"].to_numpy(), now))
        if part.day >= first:
            yield ordered.slice(0, due)
        waiting = ordered.take(pa.array(np.arange(due, len(ordered))))  # a copy: a slice would keep all of them in memory
