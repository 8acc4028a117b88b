"""Counts and money of the last days. A window of 7 is the published day and the 6 before it."""

from __future__ import annotations

from cdp.metrics.groups import LAST_DAYS
from cdp.metrics.metric import Kind, Metric, Unit, divide_money


def _select_in_window(days: int, column: str, otherwise: str = "") -> str:
    return f"CASE WHEN day > date_sub({{as_of}}, {days}) THEN {column}{otherwise} END"


def _build_metric(days: int, name: str, kind: Kind, title: str, sql: str, unit: Unit = "", missing: str = "") -> Metric:
    return Metric(
        f"{name}_{days}d", kind, LAST_DAYS[days], f"{title}, last {days} days", f"{title} in the last {days} days{missing}.",
        "derived" if name == "avg_purchase_value" else "days", sql, unit, days,
    )  # fmt: skip


def _build_sum(days: int, name: str, kind: Kind, title: str, unit: Unit = "") -> Metric:
    return _build_metric(days, name, kind, title, f"sum({_select_in_window(days, name, ' ELSE 0')})", unit)


def _build_window(days: int) -> tuple[Metric, ...]:
    """The metrics of one window. `name` is a column of `customer_day` if the metric is its sum."""
    without = "; missing without an order"
    return (
        _build_sum(days, "orders", "integer", "Orders"),
        _build_sum(days, "revenue", "money", "Net revenue", "money"),
        _build_sum(days, "gross_revenue", "money", "Gross revenue", "money"),
        _build_sum(days, "refunds", "integer", "Refunds"),
        _build_metric(days, "refund_value", "money", "Money refunded", f"sum({_select_in_window(days, 'gross_revenue - revenue', ' ELSE 0')})", "money"),
        _build_metric(days, "avg_purchase_value", "money", "Average order", divide_money(f"gross_revenue_{days}d", f"orders_{days}d"), "money", without),
        _build_metric(days, "min_purchase_value", "money", "Smallest order", f"min({_select_in_window(days, 'min_order_value')})", "money", without),
        _build_metric(days, "max_purchase_value", "money", "Largest order", f"max({_select_in_window(days, 'max_order_value')})", "money", without),
        _build_sum(days, "items", "integer", "Items bought"),
        _build_metric(days, "active_days", "integer", "Active days", f"count({_select_in_window(days, 'day')})", "days"),
        _build_sum(days, "sessions", "integer", "Sessions"),
        _build_sum(days, "views", "integer", "Product views"),
        _build_sum(days, "carts", "integer", "Added to cart"),
        _build_sum(days, "removals", "integer", "Removed from cart"),
    )  # fmt: skip


WINDOW_METRICS: tuple[Metric, ...] = tuple(metric for days in LAST_DAYS for metric in _build_window(days))
