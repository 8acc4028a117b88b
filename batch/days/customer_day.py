"""A row a customer and day: what was done, and the latest events of the day for the profile."""

from __future__ import annotations

from functools import partial

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.days.events import counts, visited
from cdp.spark import COLUMN_TYPES
from cdp.warehouse import CUSTOMER_DAY

CUSTOMER_ID = "customer_id"
KEY = ["day", CUSTOMER_ID]
#: Most events that a profile shows; no day can give more.
RECENT = 50


def customer_day(events: DataFrame) -> DataFrame:
    """The columns of CUSTOMER_DAY, and `recent`: the latest events of the day, newest first."""
    joined = activity(events).join(orders(events), KEY, "left").join(recent(events), KEY, "left")
    counted = joined.fillna(0, ["orders", "items", "gross_revenue"])
    columns = [F.col(column.name).cast(COLUMN_TYPES[column.kind]) for column in CUSTOMER_DAY.columns]
    return counted.select(*columns, "recent")


def activity(events: DataFrame) -> DataFrame:
    """All but the orders. Events without a session count as one session more; a refund is an event, and no visit."""
    session = F.when(visited(), F.col("user_session"))
    nameless = F.bool_or(visited() & F.col("user_session").isNull())
    sessions = F.size(F.collect_set(session)) + nameless.cast("int")
    return events.groupBy(*KEY).agg(
        F.min("event_time").alias("first_time"),
        F.max("event_time").alias("last_time"),
        sessions.alias("sessions"),
        *counts(),
        F.coalesce(F.sum("revenue"), F.lit(0)).alias("revenue"),
    )


def orders(events: DataFrame) -> DataFrame:
    """Orders with a purchase on the day, as they were placed. An order over midnight is one on each of its days, with what was
    bought there."""
    bought = events.where(F.col("event_type") == "purchase")
    each = bought.groupBy(*KEY, "order_id").agg(F.sum("quantity").alias("items"), F.sum("revenue").alias("value"))
    return each.groupBy(*KEY).agg(
        F.count("*").alias("orders"),
        F.sum("items").alias("items"),
        F.sum("value").alias("gross_revenue"),
        F.min("value").alias("min_order_value"),
        F.max("value").alias("max_order_value"),
    )


def recent(events: DataFrame) -> DataFrame:
    newest = Window.partitionBy(*KEY).orderBy(F.desc("event_time"), F.desc("event_id"))
    latest = events.withColumn("place", F.row_number().over(newest)).where(F.col("place") <= RECENT)
    event = F.struct(
        "place",
        F.col("event_time").alias("time"),
        F.col("event_type").alias("type"),
        "product_id", "category_code", "brand", "price", "quantity", "revenue",
    )  # fmt: skip
    listed = F.sort_array(F.collect_list(event))
    return latest.groupBy(*KEY).agg(F.transform(listed, partial(_without, "place")).alias("recent"))


def _without(name: str, event: Column) -> Column:
    return event.dropFields(name)
