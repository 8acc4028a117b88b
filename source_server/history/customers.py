"""Who shops: kinds of customers, and the cohorts they come in. A customer's traits hang on seed and cohort alone,
so that a longer history has the same people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from source_server.history.catalogue import popularity
from source_server.history.seeds import Floats, Ints, rng_of

#: A shop's size is said for this many days, whatever part of its history is asked for.
SIZE_DAYS = 60
NEW_SHARE = 0.55  # of the customers of those days, who come for the first time in them
BEFORE = 8  # days; the fading of old customers began at most so long before the history
MOST_ACTIVE = 40.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of being a customer."""

    name: str
    share_old: float  # of those who were customers before the history begins
    share_new: float  # of those who come in its course
    pace: float  # how often they come; 0: once
    checkout: float  # share of visits that end in a purchase, before the category has its say
    fades: bool = False


KINDS = (
    Kind("loyal", 0.25, 0.08, 1.0, 0.230),
    Kind("regular", 0.45, 0.27, 0.6, 0.021),
    Kind("lapsing", 0.30, 0.25, 1.1, 0.019, fades=True),
    Kind("one-time", 0.00, 0.40, 0.0, 0.019),
)


@dataclass(frozen=True)
class Customers:
    """All who are known, in order of their arrival; one place in each array is one customer."""

    kind: Ints  # place in KINDS
    arrival: Ints  # days after the history's first; below 0: before it
    due: Ints  # the day on which they surely come; of new customers that of their arrival
    activity: Floats
    fading: Floats  # how much of their interest goes with a day
    favourites: Ints  # two places in CATEGORIES each

    def __len__(self) -> int:
        return len(self.kind)

    def known(self, day: int) -> int:
        """How many have come until this day: they are the first of the list."""
        return int(np.searchsorted(np.maximum(self.arrival, -1), day, side="right"))

    def eager(self, day: int) -> Floats:
        """Running total of how likely a visit of this day is of each of those known."""
        known = self.known(day)
        lasting = np.exp(self.fading[:known] * (self.arrival[:known] - day))
        return np.cumsum(self.activity[:known] * lasting, dtype=np.float64)


def cohort_size(customers: int, cohort: int) -> int:
    """How many come first on day `cohort`; -1 stands for all who came before the history."""
    if cohort < 0:
        return round(customers * (1 - NEW_SHARE))
    daily = customers * NEW_SHARE / SIZE_DAYS
    return int((cohort + 1) * daily) - int(cohort * daily)


def customers_until(seed: int, customers: int, last: int) -> Customers:
    """Everyone known on day `last`: an earlier day's list is the beginning of a later one's."""
    cohorts = [_cohort(seed, cohort, cohort_size(customers, cohort)) for cohort in range(-1, last + 1)]
    return Customers(*(np.concatenate(traits) for traits in zip(*cohorts, strict=True)))


def user_ids(numbers: Ints) -> pa.Array:
    """Nine digits that don't show the order of arrival; different for different numbers below the prime."""
    return pa.array(500_000_000 + numbers * 26_544_357 % 99_999_989).cast(pa.string())


def _cohort(seed: int, cohort: int, size: int) -> tuple[Ints | Floats, ...]:
    """The traits of those who come together, in the order of the fields of Customers."""
    rng = rng_of(seed, "cohort", cohort + 1)
    shares = np.cumsum([kind.share_old if cohort < 0 else kind.share_new for kind in KINDS])
    kind = np.searchsorted(shares[:-1], rng.random(size), side="right")
    fades = np.array([kind.fades for kind in KINDS])[kind]
    old = cohort < 0
    arrival = -rng.integers(1, BEFORE + 1, size) if old else np.full(size, cohort)
    # Those who fade show themselves in the first half, while they still come.
    due = rng.integers(0, np.where(fades, SIZE_DAYS // 2, SIZE_DAYS)) if old else arrival
    activity = np.array([kind.pace for kind in KINDS])[kind] * np.minimum(1 + rng.pareto(1.4, size), MOST_ACTIVE)
    fading = np.where(fades, 1 / rng.uniform(6.0, 18.0, size), 0.0)
    favourites = np.searchsorted(popularity(), rng.random((size, 2)), side="right")
    # Small numbers in small types: a shop may have millions of customers, and every process knows them all.
    small = (kind.astype(np.int8), arrival.astype(np.int16), due.astype(np.int16))
    return *small, activity.astype(np.float32), fading.astype(np.float32), favourites.astype(np.int8)
