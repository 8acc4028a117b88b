"""When the customer came and ordered, as calendar days and as days before the published day."""

from __future__ import annotations

from cdp.metrics.groups import RECENCY
from cdp.metrics.metric import Metric, ratio


def _count_days_since(key: str, title: str, about: str, since: str) -> Metric:
    return Metric(key, "integer", RECENCY, title, about, "derived", f"datediff({{as_of}}, {since})", "days", since=since)


RECENCY_METRICS: tuple[Metric, ...] = (
    Metric("first_seen", "date", RECENCY, "First seen", "Day of the first event, refunds included.", "days", "min(day)"),
    Metric("last_seen", "date", RECENCY, "Last seen", "Day of the latest event, refunds included.", "days", "max(day)"),
    Metric("first_order", "date", RECENCY, "First order", "Day of the first order.", "days", "min(CASE WHEN orders > 0 THEN day END)"),
    Metric("last_order", "date", RECENCY, "Last order", "Day of the latest order.", "days", "max(CASE WHEN orders > 0 THEN day END)"),
    _count_days_since("days_since_first_seen", "Days since first seen", "Days from the first event to the published day.", "first_seen"),
    _count_days_since("days_since_seen", "Days since last seen", "Days from the latest event to the published day.", "last_seen"),
    _count_days_since(
        "days_since_order", "Days since last order", "Days from the latest order to the published day; missing without an order.",
        "last_order",
    ),
    Metric(
        "days_to_first_order", "integer", RECENCY, "Days to first order",
        "Days from the first event to the first order; missing without an order.",
        "derived", "datediff(first_order, first_seen)", "days",
    ),
    Metric(
        "mean_days_between_orders", "number", RECENCY, "Mean days between orders",
        "Days from the first order to the latest, divided by the orders after the first; missing with fewer than two. "
        "Orders on one day are 0 days apart.",
        "derived", ratio("datediff(last_order, first_order)", "total_purchase - 1"), "days",
    ),
)  # fmt: skip
