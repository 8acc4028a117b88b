"""What the page of one product shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cdp.days import days_between
from cdp_web.insights.thing_selectors import People, people_count
from cdp_web.insights.things import ThingLinks, ThingQuery, link_row
from cdp_web.overview.periods import Period
from cdp_web.products.selectors import (
    Buyer,
    Product,
    ProductDay,
    SegmentLove,
    buyers_get_newest,
    interested_get,
    product_days_get,
    segments_find_lovers,
)
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open

#: The periods beside each other, in days up to the published one.
SHORT, LONG = 28, 90


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """A period of the product: sums of its days, and distinct customers with links to them."""

    days: int
    people: People
    links: ThingLinks
    views: int
    carts: int
    orders: int
    items: int
    revenue: Decimal

    @property
    def conversion(self) -> float | None:
        return self.people.viewers_bought / self.people.viewers if self.people.viewers else None


@dataclass(frozen=True, slots=True)
class ProductReport:
    product: Product
    days: Sequence[ProductDay]  # every day of the longer period
    figures: Sequence[PeriodFigures]
    buyers: Sequence[Buyer]
    interested: int
    lovers: Sequence[SegmentLove]


def product_read(product: Product, publication: Publication) -> ProductReport:
    snapshot = snapshot_open(publication)
    whole = _last_days(publication, LONG)
    days = _fill_days(product_days_get(product.product_id, whole), whole)
    interested = interested_get(snapshot, product.product_id, whole)
    return ProductReport(
        product,
        days,
        [_read_figures(snapshot, product.product_id, days, _last_days(publication, each)) for each in (SHORT, LONG)],
        buyers_get_newest(snapshot, product.product_id),
        len(interested),
        segments_find_lovers(interested, snapshot.count_customers()) if interested else [],
    )


def _last_days(publication: Publication, days: int) -> Period:
    return Period(publication.day - timedelta(days=days - 1), publication.day)


def _fill_days(days: Sequence[ProductDay], period: Period) -> list[ProductDay]:
    by_day = {each.day: each for each in days}
    return [by_day.get(day) or ProductDay(day, 0, 0, 0, 0, Decimal(0)) for day in days_between(period.first, period.last)]


def _read_figures(snapshot: Snapshot, product_id: str, days: Sequence[ProductDay], period: Period) -> PeriodFigures:
    within = [each for each in days if each.day >= period.first]
    people = people_count(snapshot, ThingQuery(), period, [product_id]).get(product_id, People())
    return PeriodFigures(
        period.days,
        people,
        link_row("products", product_id, 1, period),
        sum(each.views for each in within),
        sum(each.carts for each in within),
        sum(each.orders for each in within),
        sum(each.items for each in within),
        sum((each.revenue for each in within), Decimal(0)),
    )
