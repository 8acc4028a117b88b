"""Customers: their kinds and the cohorts in which they arrive. A customer's traits depend only on seed and cohort, so a longer
history has the same customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from source_server.history.catalogue import popularity
from source_server.history.seeds import Floats, Ints, make_rng

#: A shop's size is the number of customers and events in this many days, however long its history is.
SIZE_DAYS = 60
NEW_SHARE = 0.55  # of the customers of those days, who visit for the first time
BEFORE = 8  # days; old customers arrived at most this long before the history
MOST_ACTIVE = 40.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of customer."""

    name: str
    share_old: float  # of the customers from before the history
    share_new: float  # of the customers who arrive during the history
    pace: float  # how often they visit; 0: once
    checkout: float  # share of visits that end in a purchase, before the category's appeal is applied
    fades: bool = False


KINDS = (
    Kind("loyal", 0.25, 0.08, 1.0, 0.230),
    Kind("regular", 0.45, 0.27, 0.6, 0.021),
    Kind("lapsing", 0.30, 0.25, 1.1, 0.019, fades=True),
    Kind("one-time", 0.00, 0.40, 0.0, 0.019),
)


@dataclass(frozen=True)
class Customers:
    """All customers in order of arrival; each array has one element per customer."""

    kind: Ints  # index in KINDS
    arrival: Ints  # days after the history's first day; negative: before it
    due: Ints  # the day on which they certainly visit; for new customers the day of arrival
    activity: Floats
    fading: Floats  # how much interest they lose per day
    favourites: Ints  # two indices in CATEGORIES each
    taste: Floats  # place on the line of every shelf, from 0 to 1

    def __len__(self) -> int:
        return len(self.kind)

    def count_until(self, day: int) -> int:
        """The number of customers who have arrived by this day. They are the first in the arrays."""
        return int(np.searchsorted(np.maximum(self.arrival, -1), day, side="right"))

    def sum_likelihoods(self, day: int) -> Floats:
        """Running total of each customer's likelihood to make a visit on this day."""
        count = self.count_until(day)
        remaining = np.exp(self.fading[:count] * (self.arrival[:count] - day))
        return np.cumsum(self.activity[:count] * remaining, dtype=np.float64)


def cohort_size(customers: int, cohort: int) -> int:
    """The number of customers who arrive on day `cohort`; -1 stands for all from before the history."""
    if cohort < 0:
        return round(customers * (1 - NEW_SHARE))
    daily = customers * NEW_SHARE / SIZE_DAYS
    return int((cohort + 1) * daily) - int(cohort * daily)


def make_customers(seed: int, customers: int, last: int) -> Customers:
    """All customers up to day `last`. The list of an earlier day is the beginning of a later day's list."""
    cohorts = [_make_cohort(seed, cohort, cohort_size(customers, cohort)) for cohort in range(-1, last + 1)]
    return Customers(*(np.concatenate(traits) for traits in zip(*cohorts, strict=True)))


def make_user_ids(numbers: Ints) -> pa.Array:
    """Nine digits that hide the order of arrival; unique for numbers below the prime."""
    return pa.array(500_000_000 + numbers * 26_544_357 % 99_999_989).cast(pa.string())


def _make_cohort(seed: int, cohort: int, size: int) -> tuple[Ints | Floats, ...]:
    """The traits of a cohort, in the order of the fields of Customers."""
    rng = make_rng(seed, "cohort", cohort + 1)
    shares = np.cumsum([kind.share_old if cohort < 0 else kind.share_new for kind in KINDS])
    kind = np.searchsorted(shares[:-1], rng.random(size), side="right")
    fades = np.array([kind.fades for kind in KINDS])[kind]
    old = cohort < 0
    arrival = -rng.integers(1, BEFORE + 1, size) if old else np.full(size, cohort)
    # Lapsing customers are due in the first half, while they are still active.
    due = rng.integers(0, np.where(fades, SIZE_DAYS // 2, SIZE_DAYS)) if old else arrival
    activity = np.array([kind.pace for kind in KINDS])[kind] * np.minimum(1 + rng.pareto(1.4, size), MOST_ACTIVE)
    fading = np.where(fades, 1 / rng.uniform(6.0, 18.0, size), 0.0)
    favourites = np.searchsorted(popularity(), rng.random((size, 2)), side="right")
    taste = rng.random(size)
    # Small types, because a shop may have millions of customers and every process holds all of them.
    small = (kind.astype(np.int8), arrival.astype(np.int16), due.astype(np.int16))
    return *small, activity.astype(np.float32), fading.astype(np.float32), favourites.astype(np.int8), taste.astype(np.float32)
