"""Segments of a new installation. They use only the catalogue, so they run on any shop's data."""

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
    Starter("Repeat buyers", "Two orders or more.", _match_all(_compare("total_purchase", "ge", 2))),
    Starter(
        "Big spenders",
        "Spent 500 or more, less refunds, within 90 days and were seen in the last 30.",
        _match_all(_compare("revenue_90d", "ge", "500.00"), _compare("last_seen", "in_last_days", 30)),
    ),
    Starter(
        "Cart, but never an order",
        "Put something into the cart but never ordered: the best prospects.",
        _match_all(_compare("carts", "ge", 1), _compare("total_purchase", "eq", 0)),
    ),
    Starter(
        "Looking around",
        "Many product views in 30 days without an order.",
        _match_all(_compare("views_30d", "ge", 20), _compare("orders_30d", "eq", 0)),
    ),
    Starter(
        "New and not yet buying",
        "First seen within 30 days, no order yet.",
        _match_all(_compare("lifecycle", "eq", "new"), _compare("total_purchase", "eq", 0)),
    ),
    Starter(
        "Buyers at risk",
        "Ordered before, last seen 30 to 59 days ago.",
        _match_all(_compare("total_purchase", "ge", 1), _compare("lifecycle", "eq", "at risk")),
    ),
    Starter(
        "Good customers gone quiet",
        "Two orders or 200 spent, less refunds, and no order for 30 days or more.",
        _match_all(
            {"any": [_compare("total_purchase", "ge", 2), _compare("total_purchase_value", "ge", "200.00")]},
            _compare("days_since_order", "ge", 30),
        ),
    ),
)


@transaction.atomic
def starters_ensure() -> int:
    """Create all starters if there is no segment at all, archived ones included; returns how many were created. A starter that
    somebody deletes or archives does not come back."""
    if Segment.objects.exists():
        return 0
    for starter in STARTERS:
        segment_create(name=starter.name, description=starter.description, rule=starter.rule)
    return len(STARTERS)
