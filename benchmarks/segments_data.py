"""Customers and interactions made by DuckDB, in the columns of the Delta tables: products, brands and categories by Zipf's law, a
few busy customers, more events in late days. Every value is a hash of its row's number, so a size always gives the same rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from cdp.kinds import METRIC_KINDS
from cdp.metrics import LIFECYCLES, METRICS

DAY = date(2019, 11, 30)
DAYS = 365
ROWS_A_CUSTOMER = 10
PRODUCTS = 50_000
BRANDS = 800
CATEGORIES = (
    "electronics", "appliances", "computers", "apparel", "furniture", "auto", "construction", "kids", "accessories", "sport",
    "medicine", "country_yard", "stationery",
)  # fmt: skip
WINDOWS = (None, 7, 30, 90)


def _random(row: str, salt: int) -> str:
    """A number from 0 to 1 that depends only on the row and the salt."""
    return f"((hash({row} * 64 + {salt}) % 1000000007) / 1000000007.0)"


def _make_products() -> str:
    category = f"floor({len(CATEGORIES)} * {_random('n', 1)} * {_random('n', 2)})::INT"
    return f"""
        SELECT n AS product, CAST(1000000 + (n * 7919) % {PRODUCTS} * 83 AS VARCHAR) AS product_id,
            CASE WHEN {_random("n", 3)} > 0.15 THEN {list(CATEGORIES)}[{category} + 1] END AS category_1,
            CASE WHEN category_1 IS NOT NULL THEN 'kind_' || floor(12 * {_random("n", 4)})::INT END AS category_2,
            CASE WHEN category_2 IS NOT NULL AND {_random("n", 5)} > 0.5 THEN 'part_' || floor(6 * {_random("n", 6)})::INT END
                AS category_3,
            CASE WHEN {_random("n", 7)} > 0.12 THEN 'brand_' || floor(power({BRANDS}, {_random("n", 8)}))::INT END AS brand,
            CAST(2 + exp(1 + 6 * {_random("n", 9)} * {_random("n", 10)} + 1.5 * {_random("n", 11)}) AS DECIMAL(12,2)) AS price
        FROM range(1, {PRODUCTS} + 1) products(n)"""


def _make_interactions(customers: int, rows: int) -> str:
    """A customer is active between two days, mostly with a few products; the first rows give every customer one."""
    person = f"CASE WHEN i < {customers} THEN i ELSE floor({customers} * pow({_random('i', 1)}, 2))::BIGINT END"
    interest = f"(c * 16 + floor(16 * pow({_random('i', 8)}, 2))::BIGINT)"
    return f"""
        WITH drawn AS (
            SELECT i, {person} AS c, {_random("i", 2)} AS kind, floor(power({PRODUCTS}, {_random(interest, 3)}))::INT AS product,
                floor(330 * pow({_random("c", 20)}, 2))::INT AS quiet, {_random("i", 4)} AS moment
            FROM range({rows}) interactions(i)
        )
        SELECT CAST('{DAY}' AS DATE) - (quiet + floor(({DAYS} - quiet) * pow({_random("c", 21)}, 2) * moment)::INT) AS day,
            floor(24 * sqrt({_random("i", 5)}))::INT AS hour,
            CAST(512000000 + (c * 7919) % {customers} * 37 AS VARCHAR) AS customer_id,
            CASE WHEN kind < 0.68 THEN 'view' WHEN kind < 0.84 THEN 'cart' WHEN kind < 0.89 THEN 'remove_from_cart'
                WHEN kind < 0.99 THEN 'purchase' ELSE 'refund' END AS event_type,
            product_id, category_1, category_2, category_3, brand, price,
            CAST(1 + floor(4 * pow({_random("i", 6)}, 6)) AS BIGINT) AS events,
            CAST(events + floor(2 * pow({_random("i", 7)}, 4)) AS BIGINT) AS quantity,
            CAST(CASE event_type WHEN 'purchase' THEN price * quantity WHEN 'refund' THEN -price ELSE 0 END AS DECIMAL(18,2))
                AS money
        FROM drawn JOIN products USING (product)"""


def _list_sums() -> dict[str, str]:
    """Metrics that are sums over a customer's interactions, for each window."""
    sums = {}
    for window in WINDOWS:
        is_in = f"day > CAST('{DAY}' AS DATE) - {window or DAYS + 1}"
        end = f"_{window}d" if window else ""
        for name, event, column in (
            ("views", "view", "events"), ("carts", "cart", "events"), ("removals", "remove_from_cart", "events"),
            ("refunds", "refund", "events"), ("items", "purchase", "quantity"), ("refund_value", "refund", "-money"),
            ("orders" if window else "total_purchase", "purchase", "events"),
            ("gross_revenue" if window else "gross_purchase_value", "purchase", "money"),
        ):  # fmt: skip
            sums[f"{name}{end}"] = f"coalesce(sum({column}) FILTER (event_type = '{event}' AND {is_in}), 0)"
        sums[f"active_days{end}"] = f"count(DISTINCT day) FILTER ({is_in})" if not window else f"count(*) FILTER ({is_in})"
        sums[f"sessions{end}"] = f"count(*) FILTER ({is_in})"
    return sums


def _list_derived() -> dict[str, str]:
    derived = {
        "lifecycle": f"{list(LIFECYCLES)}[CASE WHEN first_seen > CAST('{DAY}' AS DATE) - 30 THEN 1"
        f" WHEN last_seen > CAST('{DAY}' AS DATE) - 30 THEN 2 WHEN last_seen > CAST('{DAY}' AS DATE) - 60 THEN 3 ELSE 4 END]",
        "days_since_seen": f"CAST('{DAY}' AS DATE) - last_seen",
        "days_since_first_seen": f"CAST('{DAY}' AS DATE) - first_seen",
        "days_since_order": f"CAST('{DAY}' AS DATE) - last_order",
        "total_purchase_value": "gross_purchase_value - refund_value",
        "cart_to_order_rate": "round(total_purchase / nullif(carts, 0), 6)",
        "views_per_session": "round(views / nullif(sessions, 0), 6)",
        "items_per_order": "round(items / nullif(total_purchase, 0), 6)",
    }
    for window in WINDOWS:
        end = f"_{window}d" if window else ""
        value = f"gross_revenue{end}" if window else "gross_purchase_value"
        average = f"round({value} / nullif({f'orders{end}' if window else 'total_purchase'}, 0), 2)"
        derived |= {f"{kind}_purchase_value{end}": average for kind in ("avg", "min", "max")}
        if window:
            derived[f"revenue{end}"] = f"gross_revenue{end} - refund_value{end}"
    return derived


def _make_customers() -> str:
    """Metrics that follow from neither sums nor other metrics are drawn from a few values."""
    known = _list_sums() | {
        "first_seen": "min(day)", "last_seen": "max(day)", "first_order": "min(day) FILTER (event_type = 'purchase')",
        "last_order": "max(day) FILTER (event_type = 'purchase')",
        "favourite_category_by_views": "min(category_1)", "favourite_brand_by_views": "min(brand)",
        "favourite_category_by_money": "min(category_1) FILTER (event_type = 'purchase')",
        "favourite_brand_by_money": "min(brand) FILTER (event_type = 'purchase')",
    }  # fmt: skip
    derived = _list_derived()
    drawn = {"text": "'group_' || {r} % 9", "date": f"CAST('{DAY}' AS DATE) - ({{r}} % 300)::INT"}
    columns = []
    for number, metric in enumerate(METRICS):
        other = drawn.get(metric.kind, "{r} % 5 + 1").format(r=f"(hash(customer_id) // {number + 1})")
        value = metric.key if metric.key in known else derived.get(metric.key, other)
        columns.append(f"CAST({value} AS {METRIC_KINDS[metric.kind].duckdb}) AS {metric.key}")
    sums = ", ".join(f"{sql} AS {name}" for name, sql in known.items())
    return f"SELECT customer_id, {', '.join(columns)} FROM (SELECT customer_id, {sums} FROM interactions GROUP BY customer_id)"


def write_history(folder: Path, customers: int) -> None:
    """The files `customers` and `interactions` of one publication."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(folder)}) as duck:
        duck.execute(f"CREATE TABLE products AS {_make_products()}")
        rows = customers * ROWS_A_CUSTOMER
        duck.execute(f"COPY ({_make_interactions(customers, rows)}) TO '{folder}/interactions.parquet'")
        duck.execute(f"CREATE VIEW interactions AS FROM '{folder}/interactions.parquet'")
        duck.execute(f"COPY ({_make_customers()}) TO '{folder}/customers.parquet'")


def write_changed(folder: Path, source: Path) -> None:
    """The customers of a later publication, where one buyer of a hundred has bought nothing; without interactions."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = "* REPLACE (CASE WHEN hash(customer_id) % 100 = 0 THEN 0 ELSE total_purchase_value END AS total_purchase_value)"
    with duckdb.connect() as duck:
        duck.execute(f"COPY (SELECT {columns} FROM '{source}/customers.parquet') TO '{folder}/customers.parquet'")
        duck.execute(f"COPY (FROM '{source}/interactions.parquet' LIMIT 0) TO '{folder}/interactions.parquet'")
