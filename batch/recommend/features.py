"""Features as of a day, by SQL over the history up to that day: products, their popularity, and how strong the interest of each
customer in each is.

Nothing later than the day is read, so a model for an earlier day can be tested on the days after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from cdp.recommend.histories import Floats, Histories, Ints, Texts, from_rows

WEIGHTS = {"view": 1.0, "cart": 3.0, "purchase": 6.0, "remove_from_cart": -3.0}
HALF_LIFE_DAYS = 90
MOST_VIEWS = 20  # further views of a product by one customer add nothing
#: Days over which products are popular: for the models, and for strangers.
POPULAR_DAYS, POPULAR_SOON_DAYS = 28, 7
PRICE_BANDS = 3  # in each category, with the same number of products


@dataclass(frozen=True)
class Features:
    """The products and customers known on a day. Numbers of products and customers are places in the arrays of ids."""

    day: date
    product_ids: Texts
    category: Ints  # number of each product's category
    categories: Texts
    popularity: Floats  # of each product in the last days, weighted by event type
    customer_ids: Texts
    histories: Histories  # of each customer


def build_features(duck: duckdb.DuckDBPyConnection, day: date) -> Features:
    """Also leaves the tables `products` and `customers`, with the numbers of the ids, in the connection."""
    duck.execute(_make_products(day))
    duck.execute(f"""
        CREATE OR REPLACE TABLE customers AS
        SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS customer
        FROM (SELECT DISTINCT customer_id FROM interactions WHERE day <= DATE '{day}')""")
    products = duck.sql("SELECT product_id, category, popularity FROM products ORDER BY product").to_arrow_table()
    customers = duck.sql("SELECT customer_id FROM customers ORDER BY customer").to_arrow_table()
    categories, category = np.unique(read_texts(products["category"]), return_inverse=True)
    return Features(
        day,
        read_texts(products["product_id"]),
        category.astype(np.int32),
        categories,
        products["popularity"].to_numpy().astype(np.float32),
        read_texts(customers["customer_id"]),
        _read_histories(duck, day, len(customers)),
    )


def read_texts(column: pa.ChunkedArray) -> Texts:
    return np.array(column.to_pylist(), np.str_)


def weigh_events() -> str:
    cases = " ".join(f"WHEN '{event_type}' THEN {weight}" for event_type, weight in WEIGHTS.items())
    return f"CASE event_type {cases} ELSE 0 END"


def _make_products(day: date) -> str:
    """The name of a product is that of its last event."""
    popular, popular_soon = (
        f"greatest(0, coalesce(sum(events * {weigh_events()}) FILTER (day > DATE '{day}' - {days}), 0))::FLOAT"
        for days in (POPULAR_DAYS, POPULAR_SOON_DAYS)
    )
    return f"""
        CREATE OR REPLACE TABLE products AS
        SELECT row_number() OVER (ORDER BY product_id) - 1 AS product, *,
            ntile({PRICE_BANDS}) OVER (PARTITION BY category ORDER BY price, product_id) AS band
        FROM (SELECT product_id, arg_max(category, moment) AS category, arg_max(brand, moment) AS brand, median(price) AS price,
                {popular} AS popularity, {popular_soon} AS popularity_soon
            FROM interactions WHERE day <= DATE '{day}' GROUP BY product_id)"""


def _read_histories(duck: duckdb.DuckDBPyConnection, day: date, customers: int) -> Histories:
    """The strength of a product is the logarithm of its weighted events, each worth half as much after the half-life."""
    fades = f"events * pow(0.5, date_diff('day', day, DATE '{day}') / {HALF_LIFE_DAYS}.0)"
    rows = duck.sql(f"""
        SELECT customer, product, ln(1 + greatest(0, least(views, {MOST_VIEWS}) + others))::FLOAT AS strength
        FROM (SELECT customer_id, product_id, max(moment) AS last,
                coalesce(sum({fades}) FILTER (event_type = 'view'), 0) AS views,
                coalesce(sum({weigh_events()} * {fades}) FILTER (event_type <> 'view'), 0) AS others
            FROM interactions WHERE day <= DATE '{day}' GROUP BY ALL)
        JOIN customers USING (customer_id) JOIN products USING (product_id)
        ORDER BY customer, last DESC, product""").to_arrow_table()
    customer, product, strength = (rows[name].to_numpy() for name in ("customer", "product", "strength"))
    return from_rows(customer, product, strength, customers)
