"""Segments that a new installation begins with. They use the catalogue only, so they run on any shop's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from cdp_web.segments.models import Segment
from cdp_web.segments.services import segment_create


@dataclass(frozen=True, slots=True)
class Starter:
    name: str
    description: str
    rule: dict[str, Any]


def _compare(field: str, operator: str, value: object) -> dict[str, Any]:
    return {"metric": {"field": field, "operator": operator, "value": value}}


def _match_all(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "rule": {"all": list(nodes)}}


STARTERS: tuple[Starter, ...] = (
    Starter("Recent buyers", "Ordered within the last 30 days.", _match_all(_compare("orders_30d", "ge", 1))),
    Starter("Repeat buyers", "Came back for more: two orders or more.", _match_all(_compare("total_purchase", "ge", 2))),
    Starter(
        "Big spenders",
        "Spent 500 or more, less refunds, within 90 days and were seen in the last 30.",
        _match_all(_compare("revenue_90d", "ge", "500.00"), _compare("last_seen", "in_last_days", 30)),
    ),
    Starter(
        "Cart, but never an order",
        "Put something into the cart and never bought: the first to win over.",
        _match_all(_compare("carts", "ge", 1), _compare("total_purchase", "eq", 0)),
    ),
    Starter(
        "Looking around",
        "Many product views in 30 days without an order.",
        _match_all(_compare("views_30d", "ge", 20), _compare("orders_30d", "eq", 0)),
    ),
    Starter(
        "New and not yet buying",
        "First seen within 30 days, no order so far.",
        _match_all(_compare("lifecycle", "eq", "new"), _compare("total_purchase", "eq", 0)),
    ),
    Starter(
        "Buyers at risk",
        "Bought before, and last seen 30 to 59 days ago.",
        _match_all(_compare("total_purchase", "ge", 1), _compare("lifecycle", "eq", "at risk")),
    ),
    Starter(
        "Good customers gone quiet",
        "Two orders or 200 spent, less refunds, and nothing bought for 30 days or more.",
        _match_all(
            {"any": [_compare("total_purchase", "ge", 2), _compare("total_purchase_value", "ge", "200.00")]},
            _compare("days_since_order", "ge", 30),
        ),
    ),
)


@transaction.atomic
def starters_ensure() -> int:
    """Makes all of them where there is no segment yet, archived ones included, and says how many it made. Whoever deletes or
    archives one does not get it back."""
    if Segment.objects.exists():
        return 0
    for starter in STARTERS:
        segment_create(name=starter.name, description=starter.description, rule=starter.rule)
    return len(STARTERS)
