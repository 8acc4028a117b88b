"""The one list of metrics. It drives the aggregation in Spark, the snapshot's columns, the MongoDB document, the rule
builder's list and the docs.

`sql` is written once, in Spark's dialect, and printed for others by sqlglot. An `aggregate` metric is an aggregate over a
customer's `customer_day` rows up to the published day; a `derived` one is an expression over the metrics above it. `{as_of}`
stands for the published day: recency and windows never look at the clock of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer", "money", "number", "date", "text"]
Stage = Literal["aggregate", "derived"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number (or day, or word) that is known of every customer."""

    key: str
    kind: Kind
    title: str
    about: str
    stage: Stage
    sql: str
    unit: str = ""
    window: int | None = None  # days up to and including the published one
    choices: tuple[str, ...] = ()


def _total(key: str, kind: Kind, title: str, about: str, column: str, unit: str = "") -> Metric:
    return Metric(key, kind, title, about, "aggregate", f"sum({column})", unit)


def _window(key: str, kind: Kind, title: str, column: str, days: int, unit: str = "") -> Metric:
    sql = f"sum(CASE WHEN day > date_sub({{as_of}}, {days}) THEN {column} ELSE 0 END)"
    return Metric(
        f"{key}_{days}d", kind, f"{title}, last {days} days", f"{title} of the last {days} days.", "aggregate", sql, unit, days
    )


LIFECYCLES = ("new", "active", "at risk", "lapsed", "returned")

METRICS: tuple[Metric, ...] = (
    Metric("first_seen", "date", "First seen", "Day of the first event.", "aggregate", "min(day)"),
    Metric("last_seen", "date", "Last seen", "Day of the latest event.", "aggregate", "max(day)"),
    Metric("active_days", "integer", "Active days", "Days with at least one event.", "aggregate", "count(day)", "days"),
    _total("sessions", "integer", "Sessions", "Visits, counted per day.", "sessions"),
    _total("views", "integer", "Product views", "Times a product was looked at.", "views"),
    _total("carts", "integer", "Added to cart", "Times a product was put into the cart.", "carts"),
    _total("removals", "integer", "Removed from cart", "Times a product was taken out of the cart.", "removals"),
    _total("total_purchase", "integer", "Orders", "Orders placed.", "orders"),
    _total("items", "integer", "Items bought", "Units bought.", "items"),
    _total("total_purchase_value", "money", "Revenue", "Money spent in all.", "revenue", "money"),
    Metric("min_purchase_value", "money", "Smallest order", "Value of the smallest order.", "aggregate", "min(min_order_value)", "money"),
    Metric("max_purchase_value", "money", "Largest order", "Value of the largest order.", "aggregate", "max(max_order_value)", "money"),
    Metric("first_order", "date", "First order", "Day of the first order.", "aggregate", "min(CASE WHEN orders > 0 THEN day END)"),
    Metric("last_order", "date", "Last order", "Day of the latest order.", "aggregate", "max(CASE WHEN orders > 0 THEN day END)"),
    _window("views", "integer", "Product views", "views", 30),
    _window("orders", "integer", "Orders", "orders", 30),
    _window("revenue", "money", "Revenue", "revenue", 30, "money"),
    _window("orders", "integer", "Orders", "orders", 90),
    _window("revenue", "money", "Revenue", "revenue", 90, "money"),
    Metric(
        "avg_purchase_value",
        "money",
        "Average order",
        "Revenue divided by orders; missing without an order.",
        "derived",
        "CASE WHEN total_purchase > 0 THEN CAST(round(total_purchase_value / total_purchase, 2) AS DECIMAL(18, 2)) END",
        "money",
    ),
    Metric("days_since_seen", "integer", "Days since last seen", "Days from the latest event to the published day.", "derived", "datediff({as_of}, last_seen)", "days"),
    Metric("days_since_order", "integer", "Days since last order", "Days from the latest order to the published day; missing without an order.", "derived", "datediff({as_of}, last_order)", "days"),
    Metric(
        "lifecycle",
        "text",
        "Lifecycle",
        "New: first seen in the last 30 days. Active: seen in the last 30 days. At risk: not seen for 30 to 60 days. Lapsed: for longer. "
        "Returned: ordered in the last 30 days after at least 60 days without an order.",
        "derived",
        "CASE WHEN datediff({as_of}, first_seen) < 30 THEN 'new' "
        "WHEN orders_30d > 0 AND orders_90d = orders_30d AND datediff({as_of}, first_order) >= 90 THEN 'returned' "
        "WHEN datediff({as_of}, last_seen) < 30 THEN 'active' "
        "WHEN datediff({as_of}, last_seen) < 60 THEN 'at risk' ELSE 'lapsed' END",
        choices=LIFECYCLES,
    ),
)  # fmt: skip

BY_KEY = {metric.key: metric for metric in METRICS}


def sql_for_day(metric: Metric, as_of: str) -> str:
    """The metric's expression with the published day (YYYY-MM-DD) put in."""
    return metric.sql.format(as_of=f"DATE '{as_of}'")
