"""A made shop of known structure: groups of customers who look at the products of their group only, a few in each visit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pyarrow as pa

from batch.recommend.history import fill_tables
from cdp.lake.paths import EVENTS, INTERACTIONS

LAST = date(2019, 10, 31)
DAYS, GROUPS, PRODUCTS, CUSTOMERS = 28, 8, 30, 160

EVENT_SCHEMA = pa.schema(
    [
        ("event_day", pa.date32()), ("event_time", pa.timestamp("us", "UTC")), ("event_type", pa.string()),
        ("user_id", pa.string()), ("user_session", pa.string()), ("product_id", pa.string()),
    ]
)  # fmt: skip
INTERACTION_SCHEMA = pa.schema(
    [
        ("day", pa.date32()), ("hour", pa.int32()), ("customer_id", pa.string()), ("event_type", pa.string()),
        ("product_id", pa.string()), ("category_1", pa.string()), ("category_2", pa.string()), ("category_3", pa.string()),
        ("brand", pa.string()), ("price", pa.decimal128(12, 2)), ("events", pa.int64()),
    ]
)  # fmt: skip


def make_interaction(day: date, customer: str, product: str, **fields: Any) -> dict[str, Any]:
    row = {"day": day, "hour": 12, "customer_id": customer, "event_type": "view", "product_id": product, "category_1": "shoes"}
    return row | {"category_2": None, "category_3": None, "brand": "vans", "price": Decimal("10.00"), "events": 1} | fields


def make_view(day: date, customer: str, visit: str, product: str, minute: int) -> dict[str, Any]:
    moment = datetime(day.year, day.month, day.day, 12, minute)  # noqa: DTZ001
    return {
        "event_day": day, "event_time": moment, "event_type": "view",
        "user_id": customer, "user_session": visit, "product_id": product,
    }  # fmt: skip


def open_made(interactions: list[dict[str, Any]], views: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """The history of these rows."""
    duck = duckdb.connect()
    lake = {
        INTERACTIONS: pa.Table.from_pylist(interactions, INTERACTION_SCHEMA),
        EVENTS: pa.Table.from_pylist(views, EVENT_SCHEMA),
    }
    fill_tables(duck, LAST, lake)
    return duck


def make_groups() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Interactions and views. A group has products of all categories and prices, so that they tell nothing."""
    rng = Random(5)
    interactions, views = [], []
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        for customer in range(CUSTOMERS):
            if rng.random() < 0.3:
                group, visit = customer % GROUPS, f"visit {customer} {back}"
                for minute, number in enumerate(rng.sample(range(PRODUCTS), 3)):
                    product = f"p{group}-{number}"
                    facts = {"category_1": f"category {number % 3}", "price": Decimal(number + 1)}
                    interactions.append(make_interaction(day, f"c{customer}", product, **facts))
                    views.append(make_view(day, f"c{customer}", visit, product, minute))
    return interactions, views
