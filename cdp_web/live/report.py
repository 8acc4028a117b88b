"""What the live page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from cdp.mart.live_windows import (
    Funnel,
    LiveOrder,
    MinuteSums,
    RankedThing,
    last_minutes,
    read_minutes,
    read_orders,
)
from cdp_web.fraud.alerts import Alert, AlertFilter, alerts_get
from cdp_web.live.chart import HourChart, MinutePoint, draw_hour
from cdp_web.live.counts import HOUR, Counts
from cdp_web.live.state import LiveState
from cdp_web.live.tiles import Tile, build_tiles
from cdp_web.names.people import Person, people_get
from cdp_web.names.selectors import Names, names_get

ORDERS_SHOWN, ALERTS_SHOWN = 8, 5


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


def report_read(state: LiveState, counts: Counts, now: datetime, user: Any) -> LiveReport:
    """The numbers up to the minute of `now`."""
    with connection.cursor() as cursor:
        minutes = read_minutes(cursor, last_minutes(2 * HOUR + 1, now))
        orders = read_orders(cursor, ORDERS_SHOWN)
    alerts = alerts_get(AlertFilter(status="open"), limit=ALERTS_SHOWN)
    products = {*(each.key for each in counts.products), *(each for order in orders for each in order.products)}
    customers = [*(each.customer_id for each in orders), *(each.customer_id for each in alerts)]
    return LiveReport(
        state,
        now,
        build_tiles(minutes, counts.visitors, counts.visitors_before, counts.funnel.visitors),
        draw_hour(_make_points(minutes)),
        build_funnel(counts.funnel),
        counts.products,
        orders,
        alerts,
        names_get(products=products, categories=[each.category_code for each in counts.products]),
        people_get(user, customers),
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
