"""Who shops: kinds of customers, and the cohorts they come in. A customer's traits hang on seed and cohort alone,
so that a longer history has the same people.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from random import Random

from source_server.history.catalogue import CATEGORIES, POPULARITY

#: A shop's size is said for this many days, whatever part of its history is asked for.
SIZE_DAYS = 60
NEW_SHARE = 0.55  # of the customers of those days, who come for the first time in them
SEEN_SHARE = 0.95  # of those known; the others never come back in those days


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of being a customer."""

    name: str
    share_old: float  # of those who were customers before the history begins
    share_new: float  # of those who come in its course
    pace: float  # how often they come; 0: once
    checkout: float  # how often a filled cart is paid for
    fades: bool = False


KINDS = (
    Kind("loyal", 0.25, 0.08, 1.0, 0.62),
    Kind("regular", 0.45, 0.27, 0.5, 0.48),
    Kind("lapsing", 0.30, 0.25, 1.2, 0.40, fades=True),
    Kind("one-time", 0.00, 0.40, 0.0, 0.50),
)


@dataclass(frozen=True, slots=True)
class Customer:
    user_id: str
    kind: Kind
    arrival: int  # days after the history's first; below 0: before it
    activity: float
    patience: float  # days in which the interest of one who fades falls to a third
    favourites: tuple[int, ...]  # places in CATEGORIES

    def weight(self, day: int) -> float:
        """How likely a visit of this day is theirs, beside the others'."""
        if self.kind.fades:
            return self.activity * exp((self.arrival - day) / self.patience)
        return self.activity


def cohort_size(customers: int, cohort: int) -> int:
    """How many come first on day `cohort`; -1 stands for all who came before the history."""
    known = customers / SEEN_SHARE
    if cohort < 0:
        return round(known * (1 - NEW_SHARE))
    daily = known * NEW_SHARE / SIZE_DAYS
    return int((cohort + 1) * daily) - int(cohort * daily)


def customers_until(seed: int, customers: int, last: int) -> list[Customer]:
    """Everyone known on day `last`, in order of arrival: an earlier day's list is the beginning of a later one's."""
    known: list[Customer] = []
    for cohort in range(-1, last + 1):
        rng = Random(f"{seed}/cohort/{cohort}")
        known += [_customer(rng, cohort, len(known) + place) for place in range(cohort_size(customers, cohort))]
    return known


def _customer(rng: Random, cohort: int, number: int) -> Customer:
    shares = [kind.share_old if cohort < 0 else kind.share_new for kind in KINDS]
    kind = rng.choices(KINDS, shares)[0]
    return Customer(
        user_id=_user_id(number),
        kind=kind,
        arrival=cohort if cohort >= 0 else -rng.randint(1, 8),
        activity=kind.pace * min(rng.paretovariate(1.4), 40.0),
        patience=rng.uniform(6.0, 18.0),
        favourites=tuple(rng.choices(range(len(CATEGORIES)), cum_weights=POPULARITY, k=2)),
    )


def _user_id(number: int) -> str:
    """Nine digits that don't show the order of arrival; different for different numbers below the prime."""
    return str(500_000_000 + number * 26_544_357 % 99_999_989)
