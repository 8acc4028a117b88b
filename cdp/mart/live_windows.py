"""Reads the live numbers of a window: its sums beside those of the window before, what sells, and how far customers come.

The stream, `./run live` and the site read with these functions. They take an open cursor of any Postgres driver, so the numbers
of one transaction agree with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, Protocol

from cdp.mart.live import CUSTOMER_MINUTE, MINUTE, ORDER, PRODUCT_MINUTE, PROGRESS
from cdp.programs import LIVE_STREAM

#: Lengths of the windows that the stream publishes, in minutes.
LENGTHS = (1, 5, 60)
FUNNEL_MINUTES = 30
_CENT = Decimal("0.01")
#: Events of a customer that are a visit; a refund is not.
_VISIT = "views + carts + removals + purchases > 0"


class Cursor(Protocol):
    """A cursor of psycopg, psycopg2 or Django."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...
    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Whole minutes from `begin` up to, but not including, `end`."""

    begin: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        return (self.end - self.begin) // timedelta(minutes=1)

    @property
    def before(self) -> Window:
        """The window of the same length that ends where this one begins."""
        return Window(self.begin - (self.end - self.begin), self.begin)


def last_minutes(minutes: int, now: datetime) -> Window:
    """The window that ends with the minute of `now`, which is not over yet."""
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return Window(end - timedelta(minutes=minutes), end)


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened in a window. Revenue is net of refunds."""

    orders: int = 0
    views: int = 0
    carts: int = 0
    removals: int = 0
    purchases: int = 0
    units: int = 0
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    visitors: int = 0

    @property
    def revenue(self) -> Decimal:
        return self.gross - self.refunds

    @property
    def average_order(self) -> Decimal | None:
        """Gross value of an order; None if there is no order."""
        return (self.gross / self.orders).quantize(_CENT, ROUND_HALF_UP) if self.orders else None


_COUNTS, _MONEY = ("orders", "views", "carts", "removals", "purchases", "units"), ("gross", "refunds")
#: Postgres adds whole numbers up to a decimal.
_SUMS = ", ".join(
    [*(f"coalesce(sum({name}), 0)::bigint" for name in _COUNTS), *(f"coalesce(sum({name}), 0.00)" for name in _MONEY)]
)
#: count(DISTINCT …) would sort all rows, which takes three times as long.
_VISITORS = f"""
    SELECT count(*) FROM (
        SELECT FROM {CUSTOMER_MINUTE.full_name}
        WHERE minute >= %(begin)s AND minute < %(end)s AND {_VISIT} GROUP BY customer_id) AS visitors"""
_READ_SUMS = f"""
    SELECT {_SUMS}, ({_VISITORS})
    FROM {MINUTE.full_name} WHERE minute >= %(begin)s AND minute < %(end)s"""


def read_sums(cursor: Cursor, window: Window) -> Sums:
    cursor.execute(_READ_SUMS, {"begin": window.begin, "end": window.end})
    (row,) = cursor.fetchall()
    return Sums(*row)


def read_visitors(cursor: Cursor, window: Window) -> int:
    cursor.execute(_VISITORS, {"begin": window.begin, "end": window.end})
    ((visitors,),) = cursor.fetchall()
    return int(visitors)


@dataclass(frozen=True, slots=True)
class MinuteSums:
    """A minute of the chart."""

    minute: datetime
    orders: int
    revenue: Decimal


_READ_MINUTES = f"""
    SELECT minute, coalesce(orders, 0), coalesce(gross - refunds, 0.00)
    FROM generate_series(%(begin)s::timestamptz, %(last)s::timestamptz, interval '1 minute') AS times (minute)
    LEFT JOIN {MINUTE.full_name} USING (minute) ORDER BY minute"""


def read_minutes(cursor: Cursor, window: Window) -> list[MinuteSums]:
    """Every minute of the window in order, also those in which nothing happened."""
    last = window.end - timedelta(minutes=1)
    cursor.execute(_READ_MINUTES, {"begin": window.begin, "last": last})
    return [MinuteSums(*row) for row in cursor.fetchall()]


Thing = Literal["product", "category"]
Measure = Literal["units", "revenue"]
#: "top": the greatest values. "trending": the greatest gains over the window before.
Order = Literal["top", "trending"]


@dataclass(frozen=True, slots=True)
class RankedThing:
    """A product or a category with its place in a window, and the same of the window before; a place is None without a sale."""

    key: str  # id of the product, or code of the category
    category_code: str
    brand: str
    rank: int | None
    rank_before: int | None
    units: int
    units_before: int
    revenue: Decimal
    revenue_before: Decimal
    views: int


_KEYS: Mapping[Thing, str] = {"product": "product_id", "category": "category_code"}
_VALUES: Mapping[Measure, str] = {"units": "units", "revenue": "gross - refunds"}
#: Which things are listed, and by what.
_ORDERS: Mapping[Order, tuple[str, str]] = {
    "top": ("value > 0", "value DESC"),
    "trending": ("value > value_before", "value - value_before DESC"),
}


def _read_ranking(thing: Thing, measure: Measure, order: Order) -> str:
    now, before = f"sum({_VALUES[measure]}) FILTER (WHERE is_now)", f"sum({_VALUES[measure]}) FILTER (WHERE NOT is_now)"
    condition, sorted_by = _ORDERS[order]
    brand = "max(brand)" if thing == "product" else "''"
    return f"""
        WITH things AS (
            SELECT {_KEYS[thing]} AS key, max(category_code) AS category_code, {brand} AS brand,
                coalesce({now}, 0) AS value, coalesce({before}, 0) AS value_before,
                coalesce(sum(units) FILTER (WHERE is_now), 0)::bigint AS units,
                coalesce(sum(units) FILTER (WHERE NOT is_now), 0)::bigint AS units_before,
                coalesce(sum(gross - refunds) FILTER (WHERE is_now), 0) AS revenue,
                coalesce(sum(gross - refunds) FILTER (WHERE NOT is_now), 0) AS revenue_before,
                coalesce(sum(views) FILTER (WHERE is_now), 0)::bigint AS views
            FROM (SELECT *, minute >= %(begin)s AS is_now FROM {PRODUCT_MINUTE.full_name}
                  WHERE minute >= %(begin_before)s AND minute < %(end)s) AS sales
            WHERE {_KEYS[thing]} <> '' GROUP BY 1),
        ranked AS (
            SELECT *, CASE WHEN value > 0 THEN rank() OVER (ORDER BY value DESC) END AS rank,
                CASE WHEN value_before > 0 THEN rank() OVER (ORDER BY value_before DESC) END AS rank_before
            FROM things)
        SELECT key, category_code, brand, rank, rank_before, units, units_before, revenue, revenue_before, views
        FROM ranked WHERE {condition} ORDER BY {sorted_by}, key LIMIT %(limit)s"""


def read_ranking(
    cursor: Cursor, window: Window, thing: Thing, measure: Measure, order: Order = "top", limit: int = 10
) -> list[RankedThing]:
    """The products or categories that sell most in the window, or those whose sales grow most."""
    parameters = {"begin": window.begin, "end": window.end, "begin_before": window.before.begin, "limit": limit}
    cursor.execute(_read_ranking(thing, measure, order), parameters)
    return [RankedThing(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Customers with an event in a window, and how many of them did each step at least once."""

    visitors: int
    viewed: int
    carted: int
    bought: int


_READ_FUNNEL = f"""
    SELECT count(*), count(*) FILTER (WHERE views > 0), count(*) FILTER (WHERE carts > 0), count(*) FILTER (WHERE purchases > 0)
    FROM (SELECT sum(views) AS views, sum(carts) AS carts, sum(purchases) AS purchases FROM {CUSTOMER_MINUTE.full_name}
          WHERE minute >= %(begin)s AND minute < %(end)s AND {_VISIT} GROUP BY customer_id) customers"""


def read_funnel(cursor: Cursor, window: Window) -> Funnel:
    cursor.execute(_READ_FUNNEL, {"begin": window.begin, "end": window.end})
    ((visitors, viewed, carted, bought),) = cursor.fetchall()
    return Funnel(visitors, viewed, carted, bought)


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """An order as its events tell it so far."""

    order_id: str
    customer_id: str
    ordered_at: datetime
    lines: int
    units: int
    amount: Decimal
    products: list[str]


_READ_ORDERS = f"""
    SELECT order_id, customer_id, ordered_at, lines, units, amount, ARRAY(SELECT jsonb_array_elements_text(products))
    FROM {ORDER.full_name} ORDER BY ordered_at DESC, order_id LIMIT %s"""


def read_orders(cursor: Cursor, limit: int) -> list[LiveOrder]:
    """The latest orders, the newest first."""
    cursor.execute(_READ_ORDERS, [limit])
    return [LiveOrder(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the stream has come; the counts are totals since it was first started."""

    batch: int
    written_at: datetime
    newest_event: datetime | None
    received: int
    late: int
    old: int
    ahead: int
    refused: int
    repeated: int


def read_progress(cursor: Cursor) -> Progress | None:
    """None before the first batch."""
    columns = ", ".join(Progress.__dataclass_fields__)
    cursor.execute(f"SELECT {columns} FROM {PROGRESS.full_name} WHERE stream = %s", [LIVE_STREAM])
    rows = cursor.fetchall()
    return Progress(*rows[0]) if rows else None
