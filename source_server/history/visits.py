"""Visits: which products are viewed, put into the cart, removed and bought. All visits of a part are made at once, as arrays.
Seconds within a visit only grow, so no two of its rows are equal by chance.
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
from source_server.history.seeds import Flags, Floats, Ints

MAX_VIEWS = 100
VIEWS_SPREAD = 1.05  # sigma of the lognormal: half of the visits look at two products or fewer, a few at dozens
OTHERS_A_VISIT = 0.20  # events other than views, measured
AGAIN_SHARE = 0.20  # of views that return to the previous product
FAVOURITE_SHARE = 0.65  # of visits that start in a favourite category
WANDER_SHARE = 0.10  # of views that leave the category
TASTE_WIDTH = 0.015  # how far from their taste half of the products lie that customers choose, as a part of the line of a shelf
CHOICE_SHARE = 0.2  # of views that choose again on the same shelf
ALIKE = 3  # products on either side that a visitor looks at next
COMPLEMENT_SHARE = 0.15  # of the views after the first that are of a product on the complementary shelf
CART_FIRST_SHARE = 0.72  # of bought products that were put into the cart first; others are bought with one click
LEFT_SHARE = 0.032  # of visits that fill a cart and abandon it
ONE_MORE_SHARE = 0.055  # of the other viewed products of a visit with a cart that go into the cart too
REMOVAL_SHARE = 0.18  # of carts
SALE_APPETITE = 1.35
VIEW, CART, REMOVAL, PURCHASE, REFUND = map(EVENT_TYPES.index, ("view", "cart", "remove_from_cart", "purchase", "refund"))
#: Average seconds to the next event, by type, in addition to at least two. A refund is no part of a visit and has none.
PAUSES = np.zeros(len(EVENT_TYPES))
PAUSES[[VIEW, CART, REMOVAL, PURCHASE]] = 62.0, 25.0, 15.0, 4.0
CHECKOUT_SECONDS = 60.0
_CHECKOUTS = np.array([kind.checkout for kind in KINDS])


@dataclass(frozen=True)
class Visitors:
    """The visitors; each array has one element per visit."""

    kind: Ints
    favourites: Ints
    taste: Floats
    start: Ints  # second of the day


@dataclass(frozen=True)
class Events:
    """Events in the order of visits; each array has one element per event."""

    visit: Ints
    second: Ints  # of the day
    type: Ints  # place in EVENT_TYPES
    product: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.visit)

    def where(self, places: Flags | Ints) -> Events:
        return Events(self.visit[places], self.second[places], self.type[places], self.product[places], self.quantity[places])


def make_events(rng: np.random.Generator, visitors: Visitors, goods: Catalogue, length: float, sale: bool) -> Events:
    """All events of these visits, which have `length` events on average. A visit ends at midnight."""
    visit = np.repeat(np.arange(len(visitors.start)), _draw_view_counts(rng, len(visitors.start), length))
    product = _draw_products(rng, visitors, goods, visit)
    cart, removed, bought = _draw_baskets(rng, visitors, goods, visit, product, SALE_APPETITE if sale else 1.0)
    last = np.append(np.flatnonzero(np.diff(visit)), len(visit) - 1)
    steps = [np.arange(len(visit)), np.flatnonzero(cart), np.flatnonzero(removed), np.flatnonzero(bought)]
    view = np.concatenate(steps)
    kind = np.repeat([VIEW, CART, REMOVAL, PURCHASE], [len(step) for step in steps])
    # Carts and removals follow their view, purchases the last view of their visit.
    place = np.where(kind == PURCHASE, last[visit[view]], view) * len(EVENT_TYPES) + kind
    order = np.argsort(place, kind="stable")
    view, kind = view[order], kind[order]
    second = visitors.start[visit[view]] + _draw_seconds(rng, visit[view], kind)
    events = Events(visit[view], second, kind, product[view], _draw_quantities(rng, goods, product[view], kind))
    return events.where(second < SECONDS_A_DAY)


def _draw_view_counts(rng: np.random.Generator, visits: int, length: float) -> Ints:
    """The number of views of each visit: one from each quantile of the lognormal, so that a day's sum hardly varies."""
    steps = _make_steps(length)
    return steps[((rng.permutation(visits) + rng.random(visits)) * len(steps) / max(1, visits)).astype(np.int64)]


@lru_cache(maxsize=8)
def _make_steps(length: float) -> Ints:
    """The quantiles of the number of views, from the shortest visit to the longest, for `length` events on average."""
    spread = np.array([NormalDist(0, VIEWS_SPREAD).inv_cdf((place + 0.5) / 2000) for place in range(2000)])
    low, high = -6.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        views = np.minimum(1 + np.floor(np.exp(spread + middle)), MAX_VIEWS)
        low, high = (middle, high) if views.mean() + OTHERS_A_VISIT < length else (low, middle)
    return views.astype(np.int64)


def _draw_products(rng: np.random.Generator, visitors: Visitors, goods: Catalogue, visit: Ints) -> Ints:
    """The product of each view. A visitor chooses one by taste, then looks at products that are like it or go with it. Some views
    choose again, on any shelf; some return to the previous product."""
    opening = np.diff(visit, prepend=-1) > 0
    enters = opening | (rng.random(len(visit)) < WANDER_SHARE)
    chooses = enters | (rng.random(len(visit)) < CHOICE_SHARE)
    shelf = _choose_shelves(rng, visitors, visit, opening)[_latest_change(enters)]
    taste = (visitors.taste[visit] + TASTE_WIDTH * rng.standard_cauchy(len(visit)))[_latest_change(chooses)]
    accompanies = ~chooses & (rng.random(len(visit)) < COMPLEMENT_SHARE)
    steps = np.where(chooses, 0, rng.integers(-ALIKE, ALIKE + 1, len(visit)))
    product = goods.find(np.where(accompanies, goods.complement[shelf], shelf), taste, steps)
    return product[_latest_change(opening | (rng.random(len(visit)) >= AGAIN_SHARE))]


def _choose_shelves(rng: np.random.Generator, visitors: Visitors, visit: Ints, opening: Flags) -> Ints:
    """Mostly a favourite shelf if the view opens the visit, else any."""
    favourite = visitors.favourites[visit, rng.integers(0, 2, len(visit))]
    elsewhere = np.searchsorted(popularity(), rng.random(len(visit)), side="right")
    return np.where(opening & (rng.random(len(visit)) < FAVOURITE_SHARE), favourite, elsewhere)


def _latest_change(changes: Flags) -> Ints:
    """For each place, the latest place with a change."""
    return np.maximum.accumulate(np.where(changes, np.arange(len(changes)), 0))


def _draw_baskets(
    rng: np.random.Generator, visitors: Visitors, goods: Catalogue, visit: Ints, product: Ints, appetite: float
) -> tuple[Flags, Flags, Flags]:
    """For each view, whether its product is put into the cart, removed again, and bought. A product is in a basket once; an order
    buys everything left in it."""
    visits = len(visitors.start)
    wish = (np.searchsorted(visit, np.arange(visits)) + rng.random(visits) * np.bincount(visit, minlength=visits)).astype(
        np.int64
    )
    pays = rng.random(visits) < _CHECKOUTS[visitors.kind] * goods.appeal[goods.shelf[product[wish]]] * appetite
    filled = pays | (rng.random(visits) < LEFT_SHARE * appetite)
    wished = np.zeros(len(visit), np.bool_)
    wished[wish[filled]] = True
    wished |= filled[visit] & (rng.random(len(visit)) < ONE_MORE_SHARE)
    in_basket = np.zeros(len(visit), np.bool_)
    in_basket[_drop_repeats(visit, product, np.flatnonzero(wished))] = True
    cart = in_basket & (~pays[visit] | (rng.random(len(visit)) < CART_FIRST_SHARE))
    removed = cart & (rng.random(len(visit)) < REMOVAL_SHARE)
    return cart, removed, in_basket & pays[visit] & ~removed


def _drop_repeats(visit: Ints, product: Ints, views: Ints) -> Ints:
    """The views without those of a product that an earlier view of the same visit shows."""
    _, first = np.unique(visit[views] * (int(product.max(initial=0)) + 1) + product[views], return_index=True)
    return views[first]


def _draw_seconds(rng: np.random.Generator, visit: Ints, kind: Ints) -> Ints:
    """Seconds since the start of the visit; they grow by at least two from event to event."""
    mean = PAUSES[np.roll(kind, 1)] + np.where((kind == PURCHASE) & (np.roll(kind, 1) != PURCHASE), CHECKOUT_SECONDS, 0.0)
    passed = np.cumsum(2 + (rng.exponential(1.0, len(visit)) * mean).astype(np.int64))
    opening = _latest_change(np.diff(visit, prepend=-1) > 0)
    return passed - passed[opening]


def _draw_quantities(rng: np.random.Generator, goods: Catalogue, product: Ints, kind: Ints) -> Ints:
    several = (kind == PURCHASE) & (rng.random(len(kind)) < goods.several[goods.shelf[product]])
    return np.where(several, 1 + rng.integers(1, 4, len(kind)), 1)
