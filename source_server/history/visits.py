"""Visits: what is looked at, put into the cart, taken out and paid for. All visits of a slice are made at once, as arrays.
Seconds within a visit only grow, so that no two rows of it are the same by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from cdp.events import EVENT_TYPES
from source_server.history.catalogue import Catalogue, popularity
from source_server.history.customers import KINDS
from source_server.history.rhythm import SECONDS_A_DAY
from source_server.history.seeds import Flags, Ints

MAX_VIEWS = 100
VIEWS_SPREAD = 1.05  # sigma of the lognormal: half of the visits look at two products or fewer, a few at dozens
OTHERS_A_VISIT = 0.20  # events that are no views, measured
AGAIN_SHARE = 0.20  # of views that go back to the product before
FAVOURITE_SHARE = 0.65  # of visits that begin at a favourite category
WANDER_SHARE = 0.10  # of views that leave the category
CART_FIRST_SHARE = 0.72  # of bought products that were put into the cart; others are bought at a click
LEFT_SHARE = 0.032  # of visits that fill a cart and leave it
ONE_MORE_SHARE = 0.055  # of the other products of a visit with a cart that are taken too
REMOVAL_SHARE = 0.18  # of carts
SALE_APPETITE = 1.35
VIEW, CART, REMOVAL, PURCHASE, REFUND = map(EVENT_TYPES.index, ("view", "cart", "remove_from_cart", "purchase", "refund"))
#: Seconds to the next event, on average, by type; at least two pass. A refund is no part of a visit and has none.
PAUSES = np.zeros(len(EVENT_TYPES))
PAUSES[[VIEW, CART, REMOVAL, PURCHASE]] = 62.0, 25.0, 15.0, 4.0
CHECKOUT_SECONDS = 60.0
_CHECKOUTS = np.array([kind.checkout for kind in KINDS])


@dataclass(frozen=True)
class Visitors:
    """Who comes, one place a visit."""

    kind: Ints
    favourites: Ints
    start: Ints  # second of the day


@dataclass(frozen=True)
class Events:
    """What happened, visit by visit; one place an event."""

    visit: Ints
    second: Ints  # of the day
    type: Ints  # place in EVENT_TYPES
    product: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.visit)

    def where(self, kept: Flags | Ints) -> Events:
        return Events(self.visit[kept], self.second[kept], self.type[kept], self.product[kept], self.quantity[kept])


def events_of(rng: np.random.Generator, visitors: Visitors, goods: Catalogue, length: float, sale: bool) -> Events:
    """All events of these visits, which have `length` events on average. At midnight a visit is over."""
    visit = np.repeat(np.arange(len(visitors.start)), _views(rng, len(visitors.start), length))
    product = _looked_at(rng, visitors, goods, visit)
    cart, removed, bought = _basket(rng, visitors, goods, visit, product, SALE_APPETITE if sale else 1.0)
    last = np.append(np.flatnonzero(np.diff(visit)), len(visit) - 1)
    steps = [np.arange(len(visit)), np.flatnonzero(cart), np.flatnonzero(removed), np.flatnonzero(bought)]
    view = np.concatenate(steps)
    kind = np.repeat([VIEW, CART, REMOVAL, PURCHASE], [len(step) for step in steps])
    # Carts and removals follow their view, purchases the last view of their visit.
    place = np.where(kind == PURCHASE, last[visit[view]], view) * len(EVENT_TYPES) + kind
    order = np.argsort(place, kind="stable")
    view, kind = view[order], kind[order]
    second = visitors.start[visit[view]] + _seconds(rng, visit[view], kind)
    made = Events(visit[view], second, kind, product[view], _quantities(rng, goods, product[view], kind))
    return made.where(second < SECONDS_A_DAY)


def _views(rng: np.random.Generator, visits: int, length: float) -> Ints:
    """How many views each visit has: one of each stretch of the lognormal, so that a day's sum is hardly left to chance."""
    steps = _steps(length)
    return steps[((rng.permutation(visits) + rng.random(visits)) * len(steps) / max(1, visits)).astype(np.int64)]


@lru_cache(maxsize=8)
def _steps(length: float) -> Ints:
    """The numbers of views of the shortest to the longest of many visits that have `length` events on average."""
    spread = np.array([NormalDist(0, VIEWS_SPREAD).inv_cdf((place + 0.5) / 2000) for place in range(2000)])
    low, high = -6.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        views = np.minimum(1 + np.floor(np.exp(spread + middle)), MAX_VIEWS)
        low, high = (middle, high) if views.mean() + OTHERS_A_VISIT < length else (low, middle)
    return views.astype(np.int64)


def _looked_at(rng: np.random.Generator, visitors: Visitors, goods: Catalogue, visit: Ints) -> Ints:
    """The product of each view. Some views wander to another category, some go back to the product before."""
    opening = np.diff(visit, prepend=-1) > 0
    favourite = visitors.favourites[visit, rng.integers(0, 2, len(visit))]
    elsewhere = np.searchsorted(popularity(), rng.random(len(visit)), side="right")
    shelf = np.where(opening & (rng.random(len(visit)) < FAVOURITE_SHARE), favourite, elsewhere)
    product = goods.pick(rng, shelf[_held(opening | (rng.random(len(visit)) < WANDER_SHARE))])
    return product[_held(opening | (rng.random(len(visit)) >= AGAIN_SHARE))]


def _held(changes: Flags) -> Ints:
    """For each place the latest one at which something changes."""
    return np.maximum.accumulate(np.where(changes, np.arange(len(changes)), 0))


def _basket(
    rng: np.random.Generator, visitors: Visitors, goods: Catalogue, visit: Ints, product: Ints, appetite: float
) -> tuple[Flags, Flags, Flags]:
    """For each view whether its product is then put into the cart, taken out again, bought in the end. A product is
    in the basket once; an order takes all that is left in it."""
    visits = len(visitors.start)
    wish = (np.searchsorted(visit, np.arange(visits)) + rng.random(visits) * np.bincount(visit, minlength=visits)).astype(
        np.int64
    )
    pays = rng.random(visits) < _CHECKOUTS[visitors.kind] * goods.appeal[goods.shelf[product[wish]]] * appetite
    filled = pays | (rng.random(visits) < LEFT_SHARE * appetite)
    wished = np.zeros(len(visit), np.bool_)
    wished[wish[filled]] = True
    wished |= filled[visit] & (rng.random(len(visit)) < ONE_MORE_SHARE)
    taken = np.zeros(len(visit), np.bool_)
    taken[_once(visit, product, np.flatnonzero(wished))] = True
    cart = taken & (~pays[visit] | (rng.random(len(visit)) < CART_FIRST_SHARE))
    removed = cart & (rng.random(len(visit)) < REMOVAL_SHARE)
    return cart, removed, taken & pays[visit] & ~removed


def _once(visit: Ints, product: Ints, views: Ints) -> Ints:
    """Of these views those that are not of a product that one before them in the same visit is of."""
    _, first = np.unique(visit[views] * (int(product.max(initial=0)) + 1) + product[views], return_index=True)
    return views[first]


def _seconds(rng: np.random.Generator, visit: Ints, kind: Ints) -> Ints:
    """Seconds since the beginning of the visit, which grow by two or more from event to event."""
    mean = PAUSES[np.roll(kind, 1)] + np.where((kind == PURCHASE) & (np.roll(kind, 1) != PURCHASE), CHECKOUT_SECONDS, 0.0)
    passed = np.cumsum(2 + (rng.exponential(1.0, len(visit)) * mean).astype(np.int64))
    opening = _held(np.diff(visit, prepend=-1) > 0)
    return passed - passed[opening]


def _quantities(rng: np.random.Generator, goods: Catalogue, product: Ints, kind: Ints) -> Ints:
    several = (kind == PURCHASE) & (rng.random(len(kind)) < goods.several[goods.shelf[product]])
    return np.where(several, 1 + rng.integers(1, 4, len(kind)), 1)
