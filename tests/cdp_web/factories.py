"""Invented publications, numbers, customers and profiles: a correct base, and the changes that a test needs."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from bson.decimal128 import Decimal128
from django.core.cache import cache
from django.db import connection

from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.lake.tables import RECOMMENDATIONS_TABLE
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY, NIGHT_RUN, PUBLICATION, create_statements
from cdp.mart.live import PROGRESS
from cdp.mart.recommend import PUBLICATION as RECOMMENDATION_PUBLICATION
from cdp.mart.recommend import RECOMMEND_TABLES
from cdp.mart.shop import CATEGORY, CUSTOMER, PRODUCT, SHOP_TABLES
from cdp.mart.table import Table
from cdp.metrics import LIFECYCLES, METRICS
from cdp_web.serving.publications import Publication, publication_get
from tests.arrow_types import make_customers_schema

DAY = date(2019, 11, 30)

_DEFAULTS = {"integer": 0, "money": Decimal("0.00"), "number": None, "date": None, "text": None}
SCHEMA = make_customers_schema(METRICS)


def customer(customer_id: str, **changes: Any) -> dict[str, Any]:
    """A row of the snapshot: a customer with one view on the published day, with these changes."""
    unknown = changes.keys() - {metric.key for metric in METRICS}
    assert not unknown, f"no such metrics: {unknown}"
    defaults = {metric.key: None if metric.unit == "score" else _DEFAULTS[metric.kind] for metric in METRICS}
    row = {"customer_id": customer_id, **defaults}
    one_visit = {"first_seen": DAY, "last_seen": DAY, "active_days": 1, "sessions": 1, "views": 1, "lifecycle": "new"}
    return row | one_visit | changes


def buyer(customer_id: str, *, orders: int = 1, value: str = "10.00", **changes: Any) -> dict[str, Any]:
    """A customer who ordered on the published day."""
    total = Decimal(value) * orders
    purchases = {
        "total_purchase": orders, "total_purchase_value": total, "gross_purchase_value": total, "orders_30d": orders,
        "orders_90d": orders, "revenue_30d": total, "gross_revenue_30d": total, "revenue_90d": total, "gross_revenue_90d": total,
        "items": orders, "first_order": DAY, "last_order": DAY, "avg_purchase_value": Decimal(value),
        "min_purchase_value": Decimal(value), "max_purchase_value": Decimal(value), "days_since_order": 0,
    }  # fmt: skip
    return customer(customer_id, **(purchases | changes))


def shop(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Customers of all kinds; equal seeds give equal customers."""
    generator = random.Random(seed)
    return [_make_customer(generator, number) for number in range(count)]


def _make_customer(generator: random.Random, number: int) -> dict[str, Any]:
    gap = min(int(generator.expovariate(1 / 30)), 150)
    last_seen = DAY - timedelta(days=gap)
    first_seen = last_seen - timedelta(days=min(int(generator.expovariate(1 / 45)), 200))
    orders = generator.choices((0, 1, 2, 3, 5, 9), (62, 19, 9, 5, 3, 2))[0]
    changes: dict[str, Any] = {
        "first_seen": first_seen, "last_seen": last_seen, "days_since_seen": gap, "views": generator.randint(1, 240),
        "sessions": generator.randint(1, 40), "carts": orders + generator.randint(0, 6), "lifecycle": _lifecycle(first_seen, gap),
        "views_30d": generator.randint(1, 80) if gap < 30 else 0, "active_days": generator.randint(1, 20),
    }  # fmt: skip
    customer_id = str(512_000_000 + number * 37)
    if not orders:
        return customer(customer_id, **changes)
    value = Decimal(generator.randint(500, 60_000)) / 100
    recent = orders if gap < 30 else 0
    changes |= {
        "last_order": last_seen,
        "first_order": first_seen,
        "days_since_order": gap,
        "orders_30d": recent,
        "revenue_30d": recent * value,
        "gross_revenue_30d": recent * value,
    }
    return buyer(customer_id, orders=orders, value=str(value), **changes)


def _lifecycle(first_seen: date, gap: int) -> str:
    if (DAY - first_seen).days < 30:
        return LIFECYCLES[0]
    return "active" if gap < 30 else "at risk" if gap < 60 else "lapsed"


def arrow(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


INTERACTIONS_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()), ("day", pa.date32()), ("hour", pa.int32()), ("event_type", pa.string()),
        *((name, pa.string()) for name in ("product_id", "category_1", "category_2", "category_3", "brand")),
        ("price", pa.decimal128(PRICE_DIGITS, MONEY_SCALE)), ("events", pa.int64()), ("quantity", pa.int64()),
        ("money", pa.decimal128(DIGITS, MONEY_SCALE)),
    ]
)  # fmt: skip


def interaction(customer_id: str, event_type: str = "view", days_ago: int = 0, **changes: Any) -> dict[str, Any]:
    """A row of the interactions: one event at noon of a day before the published one."""
    row = {
        "customer_id": customer_id, "day": DAY - timedelta(days=days_ago), "hour": 12, "event_type": event_type,
        "product_id": "1004856", "category_1": "electronics", "category_2": "smartphone", "category_3": None, "brand": "samsung",
        "price": Decimal("10.00"), "events": 1, "quantity": 1,
        "money": Decimal("10.00") if event_type == "purchase" else Decimal("0.00"),
    }  # fmt: skip
    return row | changes


def interactions_arrow(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=INTERACTIONS_SCHEMA)


def mart() -> None:
    """The batch's schema in the test's database."""
    with connection.cursor() as cursor:
        for statement in create_statements():
            cursor.execute(statement)


def shop_names(
    *, products: Mapping[str, str] = {}, categories: Mapping[str, str] = {}, people: Mapping[str, tuple[str, str]] = {}
) -> None:
    """The tables of the stream "shop", with names of products by id and of categories by code, and names and e-mail addresses of
    customers by id."""
    with connection.cursor() as cursor:
        for statement in create_statements(SHOP_TABLES):
            cursor.execute(statement)
    for product_id, name in products.items():
        _insert(PRODUCT.full_name, {"product_id": product_id, "name": name, "batch": 1})
    for number, (code, name) in enumerate(categories.items(), 1):
        _insert(CATEGORY.full_name, {"category_id": str(number), "code": code, "name": name, "batch": 1})
    for customer_id, (name, email) in people.items():
        _insert(CUSTOMER.full_name, {"customer_id": customer_id, "name": name, "email": email, "batch": 1})
    cache.clear()


def kpi_day(day: date, **changes: Any) -> None:
    row = {column.name: 0 for column in KPI_DAY.columns} | {"day": day} | changes
    _insert(KPI_DAY.full_name, row)


def history(days: int) -> None:
    """This many days of a shop, up to the published day."""
    for back in range(days):
        sessions, orders = 900 + 10 * (back % 7), 60 + back % 5
        kpi_day(
            DAY - timedelta(days=back), sessions=sessions, sessions_with_view=sessions - 50, sessions_with_cart=200,
            sessions_with_purchase=orders, orders=orders, new_customers=80, revenue=Decimal("97.45") * orders,
            gross_revenue=Decimal(99) * orders, refunds=1,
        )  # fmt: skip


def customer_day(day: date, customer_id: str, **changes: Any) -> None:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    mart_row(CUSTOMER_DAY, day=day, customer_id=customer_id, first_time=moment, last_time=moment, **changes)


def mart_row(table: Table, **changes: Any) -> None:
    """A row of a table of the night, zeros but for these values."""
    _insert(table.full_name, {column.name: 0 for column in table.columns if column.required} | changes)


def live_batch(number: int = 1) -> None:
    """What the stream "live" writes down with a batch, in the place of the batch before."""
    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {PROGRESS.full_name}")
    mart_row(PROGRESS, stream="live", batch=number, topic_id="t", offsets="{}", written_at=now, newest_event=now)


def publication(publication_id: int = 1, day: date = DAY, **counts: int) -> Publication:
    row = {
        "id": publication_id, "day": day, "published_at": datetime(2019, 12, 1, 3, 20, tzinfo=UTC),
        "customers_version": publication_id, "interactions_version": publication_id, "events_version": 1,
        "profiles_collection": f"profiles_{publication_id}", "counts": json.dumps(counts), "seconds": "{}",
    }  # fmt: skip
    _insert(PUBLICATION.full_name, row)
    result = publication_get(publication_id)
    assert result is not None
    return result


def recommendation_tables() -> None:
    """The tables of recommendations in the test's database."""
    with connection.cursor() as cursor:
        for statement in create_statements(RECOMMEND_TABLES):
            cursor.execute(statement)


def recommendations(version: int = 1, published_at: datetime = datetime(2019, 12, 1, 5, tzinfo=UTC)) -> None:
    """The row of a publication of recommendations, which has its lists in this version of the Delta table."""
    row = {
        "publication": f"lists-{version}", "day": DAY, "version": "", "for_you": "popular-in-category", "goes_with": "alike",
        "published_at": published_at, "seconds": 1, "customers": 1, "products": 1, "listed_products": 1, "lake_version": version,
    }  # fmt: skip
    _insert(RECOMMENDATION_PUBLICATION.full_name, row)


def recommendations_arrow(lists: Mapping[str, Sequence[tuple[str, str | None]]]) -> pa.Table:
    """The Delta table: for each customer the product and category of each place."""
    rows = [
        {"publication": "lists", "customer_id": customer_id, "place": place, "product_id": product, "category": category}
        for customer_id, products in lists.items()
        for place, (product, category) in enumerate(products, 1)
    ]
    kinds = {"string": pa.string(), "int": pa.int32()}
    return pa.Table.from_pylist(rows, pa.schema([(name, kinds[kind]) for name, kind in RECOMMENDATIONS_TABLE.columns.items()]))


def check(name: str, state: str = "ok", says: str = "nothing is wrong", **accepted: str) -> dict[str, Any]:
    return {"name": name, "state": state, "says": says, "accepted": {"check": name, **accepted} if accepted else None}


def night_run(run_id: int = 1, day: date = DAY, state: str = "published", **changes: Any) -> None:
    """A published night with these changes; JSON columns as Python values."""
    row = {
        "id": run_id, "day": day, "begun_at": datetime(2019, 12, 1, 3, 19, tzinfo=UTC), "state": state, "step": "publication",
        "ended_at": datetime(2019, 12, 1, 3, 20, 30, tzinfo=UTC), "reason": None, "publication": run_id, "host": "cluster-1",
        "pid": 4711, "backend": 1, "seconds": {"plan": 1.2, "publication": 0.1}, "checks": [check("money")], "accepted": [],
    } | changes  # fmt: skip
    _insert(NIGHT_RUN.full_name, row | {name: json.dumps(row[name]) for name in ("seconds", "checks", "accepted")})


def _insert(table: str, row: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(row))
        cursor.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))


def profile(row: dict[str, Any], events: int = 3, **changes: Any) -> dict[str, Any]:
    """The MongoDB document of a snapshot's row, as the night writes it."""
    metrics = {
        metric.key: _to_document(row[metric.key]) for metric in METRICS if row[metric.key] is not None and not metric.since
    }
    last = row["last_seen"]
    recent = [event(datetime(last.year, last.month, last.day, 20 - number % 20, 5, tzinfo=UTC)) for number in range(events)]
    days = [
        {"day": last.isoformat(), "views": row["views"], "orders": row["orders_30d"], "revenue": _to_document(row["revenue_30d"])}
    ]
    return {
        "_id": row["customer_id"],
        "as_of": DAY.isoformat(),
        "publication": 1,
        "recent": recent,
        "days": days,
        **metrics,
    } | changes


def event(time: datetime, type: str = "view", **changes: Any) -> dict[str, Any]:
    base = {"time": time, "type": type, "product_id": "1004856", "category_code": "electronics.smartphone", "brand": "samsung"}
    return base | {"price": Decimal128("130.76"), "quantity": 1} | changes


def _to_document(value: Any) -> Any:
    if isinstance(value, Decimal):
        return Decimal128(value)
    return value.isoformat() if isinstance(value, date) else value


def rule(*nodes: dict[str, Any], join: str = "all") -> dict[str, Any]:
    return {"version": 1, "rule": {join: list(nodes)}}


def is_(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    value_entry = {} if value is None else {"value": value}
    return {"metric": {"field": field, "operator": operator, **value_entry}}
