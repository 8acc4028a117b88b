"""The hours of each day, and its orders by value. Both need each order's value and its first purchase time."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.days.events import count_types, purchase_revenue
from cdp.events import COUNTS
from cdp.kinds import MONEY
from cdp.mart.charts import ORDER_VALUE_BOUNDS

_HOUR_SUMS = ("events", "customers", *COUNTS.values(), "orders", "items", "gross_revenue", "revenue")


def _list_orders(events: DataFrame) -> DataFrame:
    """One row per order and day: `first_time`, `value` before refunds. An order that spans midnight has a row on both days."""
    purchases = events.where(F.col("event_type") == "purchase")
    return purchases.groupBy("day", "customer_id", "order_id").agg(
        F.min("event_time").alias("first_time"), F.sum("revenue").alias("value")
    )


def build_hour_days(events: DataFrame) -> DataFrame:
    """An order counts in the hour of its first purchase on the day. Items and money count in the hour of their own event."""
    is_purchase = F.col("event_type") == "purchase"
    activity = events.groupBy("day", F.hour("event_time").alias("hour"), "customer_id").agg(
        F.count("*").alias("events"),
        *count_types(),
        F.sum(F.when(is_purchase, F.col("quantity")).otherwise(0)).alias("items"),
        F.sum(purchase_revenue()).alias("gross_revenue"),
        F.sum("revenue").alias("revenue"),
    )
    orders = _list_orders(events).select("day", F.hour("first_time").alias("hour"), F.lit(1).alias("orders"))
    parts = activity.withColumn("customers", F.lit(1)).unionByName(orders, allowMissingColumns=True)
    sums = (F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in _HOUR_SUMS)
    return parts.groupBy("day", "hour").agg(*sums)


def build_order_value_days(events: DataFrame) -> DataFrame:
    bounds = F.array(*(F.lit(bound).cast(MONEY) for bound in ORDER_VALUE_BOUNDS))
    orders = _list_orders(events).select(
        "day",
        "value",
        F.array_max(F.filter(bounds, lambda bound: bound <= F.col("value"))).alias("from_value"),
        F.array_min(F.filter(bounds, lambda bound: bound > F.col("value"))).alias("to_value"),
    )
    return orders.groupBy("day", "from_value", "to_value").agg(F.count("*").alias("orders"), F.sum("value").alias("revenue"))
