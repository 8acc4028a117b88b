"""One visit: what is looked at, put into the cart, taken out and paid for. Seconds within a visit only grow,
so that no two rows of it are the same by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

from source_server.history.catalogue import CATEGORIES, POPULARITY, Product, Shelf
from source_server.history.customers import Customer

SECONDS_A_DAY = 86_400
MAX_VIEWS = 40
MORE_VIEWS = 2.6  # views after the first, on average
CART_SHARE = 0.16  # of views
REMOVAL_SHARE = 0.18  # of carts
FAVOURITE_SHARE = 0.65  # of visits that begin at a favourite category
WANDER_SHARE = 0.12  # of views that leave the category
NO_SESSION_SHARE = 0.005  # of visits whose tracker sends no session
ORDER_ID_SHARE = 0.5  # of orders that carry their own number
SALE_APPETITE = 1.35
#: Visits by hour, UTC: a rise at noon and the peak of the evening.
HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 10, 11, 13, 15, 16, 15, 12, 8, 4)
_HOURS_SO_FAR = tuple(accumulate(HOURS))


class Event(NamedTuple):
    """A row in the making: its second within the visit, later within the day, and what happened."""

    second: int
    event_type: str
    product: Product
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Visit:
    customer: Customer
    session: str | None
    order_id: str | None
    events: tuple[Event, ...]


def visit_on_day(rng: Random, customer: Customer, shelves: tuple[Shelf, ...], sale: bool) -> Visit:
    """A visit that begins and ends within its day."""
    appetite = SALE_APPETITE if sale else 1.0
    events, basket = _browse(rng, customer, shelves, CART_SHARE * appetite)
    if basket and rng.random() < customer.kind.checkout * appetite:
        events += _checkout(rng, basket, events[-1].second)
    start = min(_start(rng), SECONDS_A_DAY - 1 - events[-1].second)
    placed = tuple(event._replace(second=start + event.second) for event in events)
    session = None if rng.random() < NO_SESSION_SHARE else _session_id(rng)
    order_id = str(rng.getrandbits(40)) if rng.random() < ORDER_ID_SHARE else None
    return Visit(customer, session, order_id, placed)


def _browse(
    rng: Random, customer: Customer, shelves: tuple[Shelf, ...], cart_share: float
) -> tuple[list[Event], dict[Product, int]]:
    """Views, carts and removals, and what is left in the basket."""
    events: list[Event] = []
    basket: dict[Product, int] = {}
    shelf = shelves[_category(rng, customer)]
    second = 0
    for _ in range(min(1 + int(rng.expovariate(1 / (MORE_VIEWS + 0.5))), MAX_VIEWS)):
        if rng.random() < WANDER_SHARE:
            shelf = shelves[_category(rng, customer)]
        product = rng.choices(shelf.products, cum_weights=shelf.weights)[0]
        events.append(Event(second, "view", product))
        second += 2 + int(rng.expovariate(1 / 45))
        if rng.random() < cart_share:
            events.append(Event(second, "cart", product))
            second += 2 + int(rng.expovariate(1 / 20))
            basket[product] = basket.get(product, 0) + 1
            if rng.random() < REMOVAL_SHARE:
                events.append(Event(second, "remove_from_cart", product))
                second += 2 + int(rng.expovariate(1 / 15))
                del basket[product]
    return events, basket


def _checkout(rng: Random, basket: dict[Product, int], second: int) -> list[Event]:
    """One purchase row a product of the basket."""
    second += 20 + int(rng.expovariate(1 / 60))
    purchases = []
    for place, (product, wanted) in enumerate(basket.items()):
        more = rng.randint(1, 3) if rng.random() < product.several else 0
        purchases.append(Event(second + place, "purchase", product, wanted + more))
    return purchases


def _category(rng: Random, customer: Customer) -> int:
    if rng.random() < FAVOURITE_SHARE:
        return rng.choice(customer.favourites)
    return rng.choices(range(len(CATEGORIES)), cum_weights=POPULARITY)[0]


def _start(rng: Random) -> int:
    hour = rng.choices(range(24), cum_weights=_HOURS_SO_FAR)[0]
    return hour * 3600 + rng.randrange(3600)


def _session_id(rng: Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
