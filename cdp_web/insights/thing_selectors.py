"""What customers did with products, categories and brands: sums of days from Postgres, distinct customers from the snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from cdp.lake.paths import INTERACTIONS
from cdp.mart.charts import BRAND_DAY, CATEGORY_DAY, PRODUCT_DAY
from cdp.mart.shop import CATEGORY, PRODUCT
from cdp_web.insights.things import PEOPLE, ThingQuery
from cdp_web.names.selectors import CATEGORIES_BY_NAME, PRODUCTS_BY_NAME, has_names
from cdp_web.overview.periods import Period
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY

PAGE_SIZE = 25
#: The most rows that a file of the whole table has.
MAX_ROWS = 200_000
SECONDS = 10


@dataclass(frozen=True, slots=True)
class People:
    """Distinct customers of a period. The last two are of those who viewed."""

    viewers: int = 0
    buyers: int = 0
    viewers_carted: int = 0
    viewers_bought: int = 0

    @property
    def not_bought(self) -> int:
        return self.viewers - self.viewers_bought


@dataclass(frozen=True, slots=True)
class ThingSums:
    """One product, category or brand in a period. `revenue_before` is missing without a comparison."""

    key: str
    category: str
    brand: str
    views: int
    carts: int
    orders: int
    items: int
    revenue: Decimal
    revenue_before: Decimal | None

    @property
    def change(self) -> float | None:
        """Change of net revenue, relative to the comparison; None if there is nothing to compare with."""
        if self.revenue_before is None or self.revenue_before <= 0:
            return None
        return float(self.revenue) / float(self.revenue_before) - 1


@dataclass(frozen=True, slots=True)
class ThingPage:
    """`rows` are a part of all `total` rows; the other numbers are of all of them."""

    rows: list[ThingSums]
    total: int = 0
    revenue: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class _From:
    """The FROM and WHERE of a query, with its parameters. `key` names the row."""

    table: str
    key: str
    where: str
    parameters: list[Any]


#: The rows whose name contains a text, by column.
_BY_NAME = {"product_id": (PRODUCT, PRODUCTS_BY_NAME), "category": (CATEGORY, CATEGORIES_BY_NAME)}


def _build_from(query: ThingQuery) -> _From:
    conditions, searched = ["true"], ["product_id", "category", "brand"]
    parameters: list[Any] = []
    if query.tab == "brands":
        table, key, searched = BRAND_DAY.full_name, "brand", ["brand"]
    elif query.tab == "categories":
        table, key, searched = CATEGORY_DAY.full_name, "category", ["category"]
        conditions.append("level = %s")
        parameters.append(query.level)
    else:
        table, key = PRODUCT_DAY.full_name, "product_id"
    if query.category and query.tab != "brands":
        conditions.append("(category = %s OR starts_with(category, %s))")
        parameters += [query.category, f"{query.category}."]
    if query.brand and query.tab == "products":
        conditions.append("brand = %s")
        parameters.append(query.brand)
    if query.search:
        matches = [f"strpos(lower({name}), lower(%s)) > 0" for name in searched]
        by_name = {name: ids for name, (table, ids) in _BY_NAME.items() if name in searched and has_names(table)}
        matches += [f"{name} IN ({ids})" for name, ids in by_name.items()]
        conditions.append(f"({' OR '.join(matches)})")
        parameters += [query.search] * len(matches)
    return _From(table, key, " AND ".join(conditions), parameters)


_SUMS = "sum(views) AS views, sum(carts) AS carts, sum(orders) AS orders, sum(items) AS items, sum(revenue) AS revenue"
#: The name of a row, or its key.
_NAMES = {
    "products": f"lower(coalesce((SELECT name FROM {PRODUCT.full_name} WHERE product_id = key), key))",
    "categories": f"lower(coalesce((SELECT min(name) FROM {CATEGORY.full_name} WHERE code = key), key))",
}
_ORDERS = {
    "name": "key",
    "change": "CASE WHEN before.revenue > 0 THEN coalesce(now.revenue, 0) / before.revenue END",
    **{name: f"coalesce(now.{name}, 0)" for name in ("views", "carts", "orders", "items", "revenue")},
    **{name: f"coalesce(people.{name}, 0)" for name in PEOPLE},
}


def things_get(
    query: ThingQuery,
    period: Period,
    before: Period | None,
    *,
    limit: int = PAGE_SIZE,
    people: Mapping[str, People] | None = None,
) -> ThingPage:
    """The rows of the query's page. `people` is needed if the query sorts by a number of customers."""
    source = _build_from(query)
    label = "max(category) AS category, max(brand) AS brand" if query.tab == "products" else "'' AS category, '' AS brand"
    part = f"""
        SELECT {source.key} AS key, {label}, {_SUMS} FROM {source.table}
        WHERE day BETWEEN %s AND %s AND {source.where} GROUP BY 1"""
    earlier = before or Period(date.max, date.min)
    direction = "DESC" if query.descending else "ASC"
    order = _NAMES.get(query.tab, "key") if query.sort == "name" and has_names(PRODUCT) else _ORDERS[query.sort]
    sql = f"""
        WITH now AS ({part}), before AS ({part}),
        people AS (SELECT * FROM unnest(%s::text[], %s::int[], %s::int[], %s::int[]) AS p (key, viewers, buyers, not_bought))
        SELECT key, coalesce(now.category, before.category), coalesce(now.brand, before.brand), coalesce(views, 0),
            coalesce(carts, 0), coalesce(now.orders, 0), coalesce(now.items, 0), coalesce(now.revenue, 0), before.revenue,
            count(*) OVER (), sum(now.revenue) OVER ()
        FROM (SELECT key, category, brand, views, carts, orders, items, revenue FROM now) now
        FULL JOIN (SELECT key, category, brand, revenue FROM before) before USING (key) LEFT JOIN people USING (key)
        ORDER BY {order} {direction} NULLS LAST, key LIMIT %s OFFSET %s"""
    columns = list(zip(*((key, p.viewers, p.buyers, p.not_bought) for key, p in (people or {}).items()), strict=True))
    parameters = [
        period.first, period.last, *source.parameters, earlier.first, earlier.last, *source.parameters,
        *(list(column) for column in columns or [()] * 4), limit, (query.page - 1) * limit,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return _build_page(cursor.fetchall(), has_before=before is not None)


def _build_page(rows: Sequence[tuple[Any, ...]], *, has_before: bool) -> ThingPage:
    if not rows:
        return ThingPage([])
    things = [ThingSums(*(*row[:8], (row[8] or Decimal(0)) if has_before else None)) for row in rows]
    return ThingPage(things, int(rows[0][9]), rows[0][10] or Decimal(0))


def thing_days_get(query: ThingQuery, period: Period, keys: Sequence[str]) -> dict[str, dict[date, Decimal]]:
    """Net revenue by day of these rows; a day without an event is missing."""
    source = _build_from(query)
    days: dict[str, dict[date, Decimal]] = {key: {} for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {source.key}, day, sum(revenue) FROM {source.table} "
            f"WHERE day BETWEEN %s AND %s AND {source.where} AND {source.key} = ANY(%s) GROUP BY 1, 2",
            [period.first, period.last, *source.parameters, list(keys)],
        )
        for key, day, revenue in cursor.fetchall():
            days[key][day] = revenue
    return days


def people_count(snapshot: Snapshot, query: ThingQuery, period: Period, keys: Sequence[str] | None = None) -> dict[str, People]:
    """Distinct customers by row; of these rows only, if `keys` has any. A row that nobody viewed or bought is missing."""
    key = _build_key(query)
    chosen = "true" if keys is None else f"{key} IN (SELECT unnest($3))"
    sql = f"""
        WITH did AS (
            SELECT {key} AS key, {KEY}, bool_or(event_type = 'view') AS viewed, bool_or(event_type = 'cart') AS carted,
                bool_or(event_type = 'purchase') AS bought
            FROM {INTERACTIONS}
            WHERE event_type IN ('view', 'cart', 'purchase') AND day BETWEEN $1 AND $2 AND {chosen} GROUP BY ALL)
        SELECT key, count(*) FILTER (viewed) AS viewers, count(*) FILTER (bought) AS buyers,
            count(*) FILTER (viewed AND carted) AS viewers_carted, count(*) FILTER (viewed AND bought) AS viewers_bought
        FROM did GROUP BY key"""
    parameters: list[Any] = [period.first, period.last, *([] if keys is None else [list(keys)])]
    return {row.pop("key"): People(**row) for row in snapshot.read_rows(sql, parameters, SECONDS)}


def _build_key(query: ThingQuery) -> str:
    """The name of the row in the snapshot, as Postgres has it."""
    if query.tab == "categories":
        return f"concat_ws('.', {', '.join(f'category_{number}' for number in range(1, query.level + 1))})"
    return "product_id" if query.tab == "products" else "coalesce(brand, '')"
