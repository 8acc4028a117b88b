"""One row per customer and day: what the customer did, and the latest events of the day for the profile."""

from __future__ import annotations

from functools import partial

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.days.events import count_types, is_visit
from cdp.kinds import KINDS
from cdp.mart.daily import CUSTOMER_DAY

CUSTOMER_ID = "customer_id"
KEY = ["day", CUSTOMER_ID]
#: A profile shows at most this many events, so a day keeps no more.
RECENT = 50


def build_customer_days(events: DataFrame) -> DataFrame:
    """The columns of CUSTOMER_DAY, and `recent`: the latest events of the day, newest first."""
    joined = _count_activity(events).join(_count_orders(events), KEY, "left").join(_collect_recent(events), KEY, "left")
    rows = joined.fillna(0, ["orders", "items", "gross_revenue"])
    columns = [F.col(column.name).cast(KINDS[column.kind].spark) for column in CUSTOMER_DAY.columns]
    return rows.select(*columns, "recent")


def _count_activity(events: DataFrame) -> DataFrame:
    """Everything except orders. All events without a session count as one more session. A refund is an event but not a visit."""
    session = F.when(is_visit(), F.col("user_session"))
    has_nameless = F.bool_or(is_visit() & F.col("user_session").isNull())
    sessions = F.size(F.collect_set(session)) + has_nameless.cast("int")
    return events.groupBy(*KEY).agg(
        F.min("event_time").alias("first_time"),
        F.max("event_time").alias("last_time"),
        sessions.alias("sessions"),
        *count_types(),
        F.coalesce(F.sum("revenue"), F.lit(0)).alias("revenue"),
    )


def _count_orders(events: DataFrame) -> DataFrame:
    """Orders with a purchase on the day, before refunds. An order that spans midnight counts on both days, each with the items
    bought on that day."""
    purchases = events.where(F.col("event_type") == "purchase")
    orders = purchases.groupBy(*KEY, "order_id").agg(F.sum("quantity").alias("items"), F.sum("revenue").alias("value"))
    return orders.groupBy(*KEY).agg(
        F.count("*").alias("orders"),
        F.sum("items").alias("items"),
        F.sum("value").alias("gross_revenue"),
        F.min("value").alias("min_order_value"),
        F.max("value").alias("max_order_value"),
    )


def _collect_recent(events: DataFrame) -> DataFrame:
    newest = Window.partitionBy(*KEY).orderBy(F.desc("event_time"), F.desc("event_id"))
    latest = events.withColumn("place", F.row_number().over(newest)).where(F.col("place") <= RECENT)
    event = F.struct(
        "place",
        F.col("event_time").alias("time"),
        F.col("event_type").alias("type"),
        "product_id", "category_code", "brand", "price", "quantity", "revenue",
    )  # fmt: skip
    sorted_events = F.sort_array(F.collect_list(event))
    return latest.groupBy(*KEY).agg(F.transform(sorted_events, partial(_drop_field, "place")).alias("recent"))


def _drop_field(name: str, event: Column) -> Column:
    return event.dropFields(name)
