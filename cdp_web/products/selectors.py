"""What is known of one product: the shop's row of it, its days, and the customers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection

from cdp.lake.paths import INTERACTIONS
from cdp.mart.charts import PRODUCT_DAY
from cdp.mart.shop import CATEGORY, PRODUCT
from cdp_web.names.selectors import read_rows
from cdp_web.overview.periods import Period
from cdp_web.segments.models import Membership, Segment, SegmentRun
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

BUYERS_SHOWN = 10
SECONDS = 10
#: A segment loves a product if at least so many members viewed or bought it, and so many times the share of all customers.
LOVERS, LOVE = 5, 1.2
SEGMENTS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Product:
    """The shop's row, with category and brand of the events where it has none. `category` is a code."""

    product_id: str
    name: str
    category: str
    brand: str
    price: Decimal | None
    stock: int | None
    is_active: bool | None


@dataclass(frozen=True, slots=True)
class ProductDay:
    day: date
    views: int
    carts: int
    orders: int
    items: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Buyer:
    customer_id: str
    bought_at: datetime  # the hour of the newest purchase
    items: int
    spent: Decimal


@dataclass(frozen=True, slots=True)
class SegmentLove:
    """The share of a segment's members who viewed or bought the product, beside that of all customers."""

    segment_id: int
    name: str
    interested: int
    members: int
    share_of_all: float

    @property
    def share(self) -> float:
        return self.interested / self.members

    @property
    def lift(self) -> float:
        return self.share / self.share_of_all


def product_get(product_id: str) -> Product | None:
    """None if neither the shop nor an event has named it."""
    sql = f"""
        SELECT coalesce(product.name, ''), coalesce(category.code, ''), coalesce(brand, ''), price, stock, active
        FROM {PRODUCT.full_name} product LEFT JOIN {CATEGORY.full_name} category USING (category_id) WHERE product_id = %s"""
    of_shop = read_rows(PRODUCT, sql, product_id)
    with connection.cursor() as cursor:
        newest = f"SELECT category, brand FROM {PRODUCT_DAY.full_name} WHERE product_id = %s ORDER BY day DESC LIMIT 1"
        cursor.execute(newest, [product_id])
        of_events = cursor.fetchone()
    if not of_shop and not of_events:
        return None
    name, category, brand, *rest = of_shop[0] if of_shop else ("", "", "", None, None, None)
    seen_category, seen_brand = of_events or ("", "")
    return Product(product_id, name, category or seen_category, brand or seen_brand, *rest)


def product_days_get(product_id: str, period: Period) -> list[ProductDay]:
    """Only the days with an event."""
    sql = f"""
        SELECT day, sum(views), sum(carts), sum(orders), sum(items), sum(revenue) FROM {PRODUCT_DAY.full_name}
        WHERE product_id = %s AND day BETWEEN %s AND %s GROUP BY day ORDER BY day"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [product_id, period.first, period.last])
        return [ProductDay(*row) for row in cursor.fetchall()]


def buyers_get_newest(snapshot: Snapshot, product_id: str) -> list[Buyer]:
    sql = f"""
        SELECT customer_id, max(day + to_hours(hour)) AS bought_at, sum(quantity)::BIGINT AS items, sum(money) AS spent
        FROM {INTERACTIONS} JOIN {TABLE} USING ({KEY}) WHERE event_type = 'purchase' AND product_id = $1
        GROUP BY customer_id ORDER BY bought_at DESC, customer_id LIMIT {BUYERS_SHOWN}"""
    return [Buyer(**row) for row in snapshot.read_rows(sql, [product_id], SECONDS)]


def interested_get(snapshot: Snapshot, product_id: str, period: Period) -> list[str]:
    """The customers who viewed or bought the product."""
    sql = f"""
        SELECT customer_id FROM {TABLE} WHERE {KEY} IN (
            SELECT {KEY} FROM {INTERACTIONS}
            WHERE event_type IN ('view', 'purchase') AND product_id = $1 AND day BETWEEN $2 AND $3)"""
    rows = snapshot.read_rows(sql, [product_id, period.first, period.last], SECONDS)
    return [row["customer_id"] for row in rows]


def segments_find_lovers(interested: Sequence[str], customers: int) -> list[SegmentLove]:
    """The segments whose members are interested more often than all customers, the strongest first."""
    tables = {model: model._meta.db_table for model in (Membership, Segment, SegmentRun)}
    sql = f"""
        SELECT segment.id, segment.name, count(*), run.count FROM {tables[Membership]} membership
        JOIN {tables[Segment]} segment ON segment.id = membership.segment_id AND segment.archived_at IS NULL
        JOIN {tables[SegmentRun]} run ON run.id = segment.current_run_id AND run.count > 0
        WHERE membership.left_run IS NULL AND membership.customer_id = ANY(%s)
        GROUP BY segment.id, run.id HAVING count(*) >= %s"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(interested), LOVERS])
        rows = cursor.fetchall()
    found = [SegmentLove(*(*row, len(interested) / customers)) for row in rows]
    loving = [each for each in found if each.lift >= LOVE]
    return sorted(loving, key=lambda each: (-each.lift, each.name))[:SEGMENTS_SHOWN]
