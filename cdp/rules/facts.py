"""What the interpreter knows of one customer, and the rules and lists that a rule may refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from cdp.rules.tree import Rule


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row of the Delta table `interactions`: what a customer did with a product within an hour, at one price."""

    day: date
    hour: int
    event_type: str
    product_id: str
    category_1: str | None = None
    category_2: str | None = None
    category_3: str | None = None
    brand: str | None = None
    price: Decimal | None = None
    events: int = 1
    quantity: int = 1
    money: Decimal = Decimal(0)

    @property
    def weekday(self) -> int:
        """1 is Monday."""
        return self.day.isoweekday()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A place of a customer's list of recommendations. The first one is 1."""

    place: int
    product_id: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """A customer's place by one metric among the customers who have a value: 1 is the highest; of equals, the smaller id is first
    in both directions."""

    from_top: int
    from_bottom: int
    customers: int


def _no_rank(field: str) -> Rank | None:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """One customer as of the published day. A metric that is not in the mapping is missing."""

    as_of: date
    metrics: Mapping[str, object]
    interactions: Sequence[Interaction] = ()
    #: Ids of the lists that hold the customer.
    lists: frozenset[int] = frozenset()
    #: The rules of all segments that the rule refers to, directly or through other segments.
    segments: Mapping[int, Rule] = field(default_factory=dict)
    #: Metric -> the customer's rank; None without a value.
    rank: Callable[[str], Rank | None] = _no_rank
    #: The customer's list, if the rule reads it.
    recommendations: Sequence[Recommendation] = ()
