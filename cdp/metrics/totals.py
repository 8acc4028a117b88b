"""What the customer did in the whole history: orders and their money, activity, and rates between them."""

from __future__ import annotations

from cdp.metrics.groups import ACTIVITY, ORDERS, RATES
from cdp.metrics.metric import Metric, divide_money, ratio

ORDER_METRICS: tuple[Metric, ...] = (
    Metric("total_purchase", "integer", ORDERS, "Orders", "Orders placed.", "days", "sum(orders)"),
    Metric("total_purchase_value", "money", ORDERS, "Net revenue", "Money spent less money refunded.", "days", "sum(revenue)", "money"),
    Metric("gross_purchase_value", "money", ORDERS, "Gross revenue", "Money spent, before refunds.", "days", "sum(gross_revenue)", "money"),
    Metric("refunds", "integer", ORDERS, "Refunds", "Times a line was refunded, in whole or in part.", "days", "sum(refunds)"),
    Metric("refund_value", "money", ORDERS, "Money refunded", "Money that was paid back.", "days", "sum(gross_revenue - revenue)", "money"),
    Metric(
        "avg_purchase_value", "money", ORDERS, "Average order", "Gross revenue divided by orders; missing without an order.",
        "derived", divide_money("gross_purchase_value", "total_purchase"), "money",
    ),
    Metric("min_purchase_value", "money", ORDERS, "Smallest order", "Value of the smallest order, before refunds.", "days", "min(min_order_value)", "money"),
    Metric("max_purchase_value", "money", ORDERS, "Largest order", "Value of the largest order, before refunds.", "days", "max(max_order_value)", "money"),
    Metric("items", "integer", ORDERS, "Items bought", "Units bought, including refunded ones.", "days", "sum(items)"),
    Metric("order_days", "integer", ORDERS, "Days with an order", "Days with at least one order.", "days", "count_if(orders > 0)", "days"),
)  # fmt: skip

ACTIVITY_METRICS: tuple[Metric, ...] = (
    Metric("active_days", "integer", ACTIVITY, "Active days", "Days with at least one event, refunds included.", "days", "count(day)", "days"),
    Metric("sessions", "integer", ACTIVITY, "Sessions", "Visits, counted per day; refunds do not count.", "days", "sum(sessions)"),
    Metric("views", "integer", ACTIVITY, "Product views", "Times a product was looked at.", "days", "sum(views)"),
    Metric("carts", "integer", ACTIVITY, "Added to cart", "Times a product was put into the cart.", "days", "sum(carts)"),
    Metric("removals", "integer", ACTIVITY, "Removed from cart", "Times a product was taken out of the cart.", "days", "sum(removals)"),
    Metric("cart_days", "integer", ACTIVITY, "Days with a cart", "Days on which something was put into the cart.", "days", "count_if(carts > 0)", "days"),
    Metric(
        "abandoned_cart_days", "integer", ACTIVITY, "Days with an abandoned cart",
        "Days on which something was put into the cart and nothing was ordered.",
        "days", "count_if(carts > 0 AND orders = 0)", "days",
    ),
)  # fmt: skip

#: Two more rates, about products, are in `things.py`.
RATE_METRICS: tuple[Metric, ...] = (
    Metric(
        "abandonment_rate", "number", RATES, "Cart abandonment",
        "Of the days on which something was put into the cart, the share on which nothing was ordered.",
        "derived", ratio("abandoned_cart_days", "cart_days"), "share",
    ),
    Metric(
        "order_session_rate", "number", RATES, "Orders per session", "Orders divided by sessions.",
        "derived", ratio("total_purchase", "sessions"),
    ),
    Metric(
        "views_per_session", "number", RATES, "Views per session", "Product views divided by sessions.",
        "derived", ratio("views", "sessions"),
    ),
    Metric(
        "items_per_order", "number", RATES, "Items per order", "Units bought divided by orders; missing without an order.",
        "derived", ratio("items", "total_purchase"),
    ),
)  # fmt: skip
