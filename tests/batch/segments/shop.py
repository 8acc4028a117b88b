"""A small shop as Delta tables on the local disk, for jobs of segments: version 0 has the rows, version 1 has others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.lake.paths import CUSTOMERS, INTERACTIONS, RECOMMENDATIONS, table_url
from cdp.lake.tables import RECOMMENDATIONS_TABLE
from cdp.metrics import METRICS
from cdp.settings import Settings
from tests.arrow_types import make_customers_schema

DAY = date(2019, 11, 30)
LISTED = {3: ("c2", "c5", "nobody"), 4: ()}

_TEXTS = ("event_type", "product_id", "category_1", "category_2", "category_3", "brand")
_INTERACTIONS = pa.schema(
    [
        ("customer_id", pa.string()), ("day", pa.date32()), ("month", pa.date32()), ("hour", pa.int32()),
        *((name, pa.string()) for name in _TEXTS), ("price", pa.decimal128(PRICE_DIGITS, MONEY_SCALE)),
        ("events", pa.int64()), ("quantity", pa.int64()), ("money", pa.decimal128(DIGITS, MONEY_SCALE)),
    ]
)  # fmt: skip


def make_customers(count: int = 12) -> pa.Table:
    """Customer number n has n % 4 orders, and spent nothing if there are none."""
    metrics = [metric.key for metric in METRICS]
    rows = [
        dict.fromkeys(metrics)
        | {
            "customer_id": f"c{n}", "total_purchase": n % 4, "total_purchase_value": Decimal(n % 4 * 10), "sessions": n,
            "last_seen": DAY - timedelta(days=n), "revenue_90d": Decimal(n) if n % 3 else None,
        }
        for n in range(count)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=make_customers_schema(METRICS))


def make_interactions() -> pa.Table:
    """c1 and c2 carted a product; c2 bought it two days later. c3 bought another brand. c4 did so after the published day."""
    rows = [
        _interaction("c1", "cart", 5), _interaction("c2", "cart", 5), _interaction("c2", "purchase", 3, money="20.00"),
        _interaction("c3", "purchase", 40, brand="zeta", money="5.00"), _interaction("c4", "purchase", -1),
        _interaction("gone", "purchase", 1), _interaction("c5", "view", 2, events=7),
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_INTERACTIONS)


def _interaction(customer_id: str, event_type: str, days_ago: int, **changes: Any) -> dict[str, Any]:
    day = DAY - timedelta(days=days_ago)
    row: dict[str, Any] = {
        "customer_id": customer_id, "day": day, "month": day.replace(day=1), "hour": 12, "event_type": event_type,
        "product_id": "p1", "category_1": "tea", "category_2": None, "category_3": None, "brand": "acme",
        "price": Decimal("10.00"), "events": 1, "quantity": 1, "money": "0.00",
    } | changes  # fmt: skip
    return row | {"money": Decimal(row["money"])}


def make_recommendations() -> pa.Table:
    """c1 gets tea first, c2 coffee twice and tea first, c3 something without a category."""
    lists = {"c1": ["drinks.tea"], "c2": ["drinks.tea", "drinks.coffee", "drinks.coffee"], "c3": [None]}
    rows = [
        {"publication": "lists", "customer_id": customer, "place": place, "product_id": f"p{place}", "category": category}
        for customer, categories in lists.items()
        for place, category in enumerate(categories, 1)
    ]
    kinds = {"string": pa.string(), "int": pa.int32()}
    return pa.Table.from_pylist(rows, pa.schema([(name, kinds[kind]) for name, kind in RECOMMENDATIONS_TABLE.columns.items()]))


def make_list_members() -> pa.Table:
    rows = [{"list_id": number, "customer_id": each} for number, ids in LISTED.items() for each in ids]
    return pa.Table.from_pylist(rows, schema=pa.schema([("list_id", pa.int64()), ("customer_id", pa.string())]))


def write_tables(settings: Settings, folder: Path) -> Settings:
    """Write both versions of both tables; returns the settings that lead to them."""
    changed = replace(settings, hdfs_url=f"file:{folder}")
    for name, table, partition in ((CUSTOMERS, make_customers(), []), (INTERACTIONS, make_interactions(), ["month"])):
        path = table_url(changed, name).removeprefix("file:")
        write_deltalake(path, table, partition_by=partition)
        write_deltalake(path, table.slice(0, 1), mode="overwrite", partition_by=partition)
    write_deltalake(table_url(changed, RECOMMENDATIONS).removeprefix("file:"), make_recommendations())
    return changed
