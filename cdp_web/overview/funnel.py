"""From view to purchase, by customers and by sessions.

Customers are counted exactly: each step has those who also did the steps before, at any time of the period. The night counts
sessions with a view and a cart, but of the sessions with a purchase it does not know which had a cart; so that step has no
share of the step before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.overview.periods import Period
from cdp_web.overview.totals import PeriodTotals


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """`share` is of the first step, `from_step_before` of the step before; both are of sessions."""

    title: str
    sessions: int
    share: float | None
    from_step_before: float | None
    customers: int
    customers_share: float | None
    customers_from_step_before: float | None
    link: str


def build_funnel(totals: PeriodTotals, period: Period) -> list[FunnelStep]:
    viewed, carted, purchased = totals.counts.viewed, totals.counts.carted, totals.counts.purchased
    seen, put, bought = totals.sessions_with_view, totals.sessions_with_cart, totals.sessions_with_purchase
    links = [_link(period, events) for events in (["view"], ["view", "cart"], ["view", "cart", "purchase"])]
    return [
        FunnelStep(_("Viewed a product"), seen, _divide(seen, seen), None, viewed, _divide(viewed, viewed), None, links[0]),
        FunnelStep(
            _("Added to cart"), put, _divide(put, seen), _divide(put, seen),
            carted, _divide(carted, viewed), _divide(carted, viewed), links[1],
        ),
        FunnelStep(
            _("Purchased"), bought, None, None,
            purchased, _divide(purchased, viewed), _divide(purchased, carted), links[2],
        ),
    ]  # fmt: skip


def _link(period: Period, events: Iterable[str]) -> str:
    nodes: list[dict[str, Any]] = [did_between(event, period.first, period.last) for event in events]
    return link_to_customers(nodes[0] if len(nodes) == 1 else {"all": nodes})


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None
