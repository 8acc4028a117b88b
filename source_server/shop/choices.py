"""How people choose: actions by weight, customers and products by popularity. The likelihoods of the whole simulation."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

from source_server.history.catalogue import CATEGORIES, SKEW
from source_server.history.customers import MOST_ACTIVE
from source_server.shop.world import Customer, Product

T = TypeVar("T")

#: What a visitor does next.
ACTIONS = {"view": 0.40, "cart": 0.20, "wishlist": 0.15, "remove": 0.10, "order": 0.10, "browse": 0.05}
ACTIONS_A_VISIT = 8.0
NEWCOMER_SHARE = 0.06  # of visits in which a person signs up
CONSENT_CHANGE_SHARE = 0.01  # of visits in which the customer changes the consent
FAVOURITE_SHARE = 0.65  # of views in one of the customer's two favourite categories
SEVERAL_SHARE = 0.10  # of products put into the cart, more than one of it
LEAVE_AFTER_ORDER_SHARE = 0.6
VOUCHER_SHARE, VOUCHER_PERCENT = 0.08, 10  # of orders, and the discount
FAILURE_SHARE = 0.08  # of payments
RETRY_SHARE = 0.75  # of failed payments that are tried again
MAX_ATTEMPTS = 3
CANCEL_SHARE = 0.03  # of paid orders, before they are sent
RETURN_SHARE = 0.07  # of delivered orders, in which something is given back
WHOLE_RETURN_SHARE = 0.4  # of those
DAMAGED_SHARE, DAMAGED_PERCENT = 0.3, 30  # of returns in part, which give back this share of a line's money
METHODS = {"card": 0.65, "wallet": 0.25, "bank transfer": 0.10}
FAILURES = {"insufficient funds": 0.5, "card declined": 0.3, "expired card": 0.1, "timeout": 0.1}
CARRIERS = {"DHL": 0.4, "UPS": 0.3, "GLS": 0.2, "VNPost": 0.1}
LOW_STOCK, FEWEST_SUPPLY, MOST_SUPPLY = 5, 20, 80
RETIRE_SHARE = 0.001  # of visits after which a product is taken off the shelf for a while
_POPULARITY = {int(category.category_id): category.popularity for category in CATEGORIES}


@dataclass(frozen=True, slots=True)
class Pace:
    """Average seconds that things take."""

    pause: float  # between two actions of a visitor
    payment: float
    transfer: float  # of a payment by bank
    ship: float
    deliver: float
    give_back: float
    supply: float


HOUR, DAY = 3600.0, 86_400.0
REAL = Pace(pause=40, payment=25, transfer=1.2 * DAY, ship=14 * HOUR, deliver=2 * DAY, give_back=3 * DAY, supply=8 * HOUR)
#: A person who watches sees parcels arrive within minutes.
QUICK = Pace(pause=6, payment=4, transfer=60, ship=60, deliver=90, give_back=90, supply=30)


class WeightedChoice(Generic[T]):
    """Things that are drawn by weight."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._things: Sequence[T] = tuple(weights)
        self._totals = list(accumulate(weights.values()))

    def draw(self, rng: Random) -> T:
        return self._things[min(bisect(self._totals, rng.random() * self._totals[-1]), len(self._things) - 1)]


class Shelves:
    """Products by category: popular categories are visited more, and of a category few products get most of the views (Zipf)."""

    def __init__(self, products: Iterable[Product]) -> None:
        by_category: dict[int, list[int]] = {}
        for product in products:
            by_category.setdefault(product.category_id, []).append(product.product_id)
        self._products = {
            category: WeightedChoice({product: (rank + 3.0) ** -SKEW for rank, product in enumerate(best_first)})
            for category, best_first in by_category.items()
        }
        self._categories = WeightedChoice({category: _POPULARITY.get(category, 1.0) for category in by_category})

    def draw_category(self, rng: Random) -> int:
        return self._categories.draw(rng)

    def draw(self, rng: Random, favourites: Sequence[int]) -> int:
        """A product for a customer with these favourite categories."""
        category = rng.choice(favourites) if rng.random() < FAVOURITE_SHARE else self.draw_category(rng)
        return self._products[category].draw(rng)

    def find_favourites(self, customer_id: int) -> tuple[int, int]:
        """The same for a customer in every run."""
        rng = Random(f"favourites {customer_id}")
        return self.draw_category(rng), self.draw_category(rng)


class Regulars:
    """Customers by how often they visit: few visit often, most rarely."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        self._customers: list[Customer] = []
        self._totals: list[float] = []
        for customer in customers:
            self.add(customer)

    def add(self, customer: Customer) -> None:
        activity = min(Random(f"activity {customer.customer_id}").paretovariate(1.4), MOST_ACTIVE)
        self._customers.append(customer)
        self._totals.append((self._totals[-1] if self._totals else 0.0) + activity)

    def draw(self, rng: Random) -> Customer:
        return self._customers[min(bisect(self._totals, rng.random() * self._totals[-1]), len(self._customers) - 1)]


def draw_pause(rng: Random, mean: float) -> float:
    """Seconds of something that takes this long on average: at least a fifth of it."""
    return mean * (0.2 + rng.expovariate(1 / 0.8))


def draw_length(rng: Random) -> int:
    """The number of actions of a visit."""
    length = 1
    while rng.random() > 1 / ACTIONS_A_VISIT:
        length += 1
    return length
