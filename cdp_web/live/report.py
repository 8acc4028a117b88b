"""What the live page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext as _

from cdp.mart.live import ALERT
from cdp.mart.live_windows import (
    FUNNEL_MINUTES,
    Funnel,
    LiveOrder,
    MinuteSums,
    RankedThing,
    last_minutes,
    read_funnel,
    read_minutes,
    read_orders,
    read_ranking,
    read_visitors,
)
from cdp_web.live.chart import HourChart, MinutePoint, draw_hour
from cdp_web.live.state import LiveState
from cdp_web.live.tiles import Tile, build_tiles
from cdp_web.names.selectors import Names, Person, names_get, people_get

HOUR = 60
VISITOR_MINUTES = 5
PRODUCTS_SHOWN, ORDERS_SHOWN, ALERTS_SHOWN = 8, 8, 5
#: Counts of distinct customers and of all products read many rows, so a process reads them only so often.
_COUNTS_KEY, _COUNTS_SECONDS = "live-counts", 5
_ALERTS = f"""
    SELECT alert_id, rule_id, customer_id, happened_at FROM {ALERT.full_name} ORDER BY alert_id DESC LIMIT {ALERTS_SHOWN}"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What takes longer to count. All but the funnel are of whole minutes."""

    visitors: int
    visitors_before: int
    funnel: Funnel
    products: Sequence[RankedThing]


@dataclass(frozen=True, slots=True)
class Alert:
    id: int
    rule_id: int
    customer_id: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class FunnelStep:
    title: str
    customers: int
    share: float


@dataclass(frozen=True, slots=True)
class LiveReport:
    state: LiveState
    now: datetime
    tiles: Sequence[Tile]
    chart: HourChart
    funnel: Sequence[FunnelStep]
    products: Sequence[RankedThing]
    orders: Sequence[LiveOrder]
    alerts: Sequence[Alert]
    names: Names
    people: Mapping[str, Person]

    @property
    def has_sales(self) -> bool:
        return any(bar.point.revenue or bar.point.before for bar in self.chart.bars)


def report_read(state: LiveState, now: datetime, user: Any) -> LiveReport:
    """The numbers up to the minute of `now`; the state must have a batch."""
    counts = cache.get_or_set(_COUNTS_KEY, lambda: counts_read(now), _COUNTS_SECONDS)
    with connection.cursor() as cursor:
        minutes = read_minutes(cursor, last_minutes(2 * HOUR + 1, now))
        orders = read_orders(cursor, ORDERS_SHOWN)
        cursor.execute(_ALERTS)
        alerts = [Alert(*row) for row in cursor.fetchall()]
    products = {*(each.key for each in counts.products), *(each for order in orders for each in order.products)}
    customers = [*(each.customer_id for each in orders), *(each.customer_id for each in alerts)]
    return LiveReport(
        state,
        now,
        build_tiles(minutes, counts.visitors, counts.visitors_before),
        draw_hour(_make_points(minutes)),
        build_funnel(counts.funnel),
        counts.products,
        orders,
        alerts,
        names_get(products=products, categories=[each.category_code for each in counts.products]),
        people_get(user, customers),
    )


def counts_read(now: datetime) -> Counts:
    whole = now - timedelta(minutes=1)
    visits = last_minutes(VISITOR_MINUTES, whole)
    with connection.cursor() as cursor:
        return Counts(
            read_visitors(cursor, visits),
            read_visitors(cursor, visits.before),
            read_funnel(cursor, last_minutes(FUNNEL_MINUTES, now)),
            read_ranking(cursor, last_minutes(HOUR, whole), "product", "revenue", limit=PRODUCTS_SHOWN),
        )


def build_funnel(funnel: Funnel) -> list[FunnelStep]:
    """Each step beside all visitors."""
    steps = (
        (_("Visitors"), funnel.visitors),
        (_("Viewed a product"), funnel.viewed),
        (_("Added to cart"), funnel.carted),
        (_("Purchased"), funnel.bought),
    )
    return [FunnelStep(title, customers, customers / max(funnel.visitors, 1)) for title, customers in steps]


def _make_points(minutes: Sequence[MinuteSums]) -> list[MinutePoint]:
    """The last hour, each minute beside the one an hour before."""
    pairs = zip(minutes[-HOUR:], minutes[-2 * HOUR : -HOUR], strict=True)
    return [MinutePoint(each.minute, each.revenue, each.orders, before.revenue) for each, before in pairs]
