"""The hours of each day, and its orders by value. Both look at orders one by one: what they are worth, and when they began."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.days.events import counts, gross
from cdp.chart_tables import ORDER_VALUE_BOUNDS
from cdp.events import COUNTS

_HOUR_SUMS = ("events", "customers", *COUNTS.values(), "orders", "items", "gross_revenue", "revenue")


def orders(events: DataFrame) -> DataFrame:
    """A row an order and day: `first_time`, `value`, as it was placed. An order over midnight is one on each of its days."""
    bought = events.where(F.col("event_type") == "purchase")
    return bought.groupBy("day", "customer_id", "order_id").agg(
        F.min("event_time").alias("first_time"), F.sum("revenue").alias("value")
    )


def hour_day(events: DataFrame) -> DataFrame:
    """An order counts in the hour of its first purchase on the day, what was bought or refunded in its own."""
    bought = F.col("event_type") == "purchase"
    seen = events.groupBy("day", F.hour("event_time").alias("hour"), "customer_id").agg(
        F.count("*").alias("events"),
        *counts(),
        F.sum(F.when(bought, F.col("quantity")).otherwise(0)).alias("items"),
        F.sum(gross()).alias("gross_revenue"),
        F.sum("revenue").alias("revenue"),
    )
    placed = orders(events).select("day", F.hour("first_time").alias("hour"), F.lit(1).alias("orders"))
    parts = seen.withColumn("customers", F.lit(1)).unionByName(placed, allowMissingColumns=True)
    sums = (F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in _HOUR_SUMS)
    return parts.groupBy("day", "hour").agg(*sums)


def order_value_day(events: DataFrame) -> DataFrame:
    bounds = F.array(*(F.lit(bound).cast("decimal(18, 2)") for bound in ORDER_VALUE_BOUNDS))
    placed = orders(events).select(
        "day",
        "value",
        F.array_max(F.filter(bounds, lambda bound: bound <= F.col("value"))).alias("from_value"),
        F.array_min(F.filter(bounds, lambda bound: bound > F.col("value"))).alias("to_value"),
    )
    return placed.groupBy("day", "from_value", "to_value").agg(F.count("*").alias("orders"), F.sum("value").alias("revenue"))
