"""Selects the events of some days and removes duplicates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.events import COUNTS
from cdp.kinds import MONEY

#: An id identifies an event within a customer's day. Of several copies, the one received first is kept.
IDENTITY = ("user_id", "event_day", "event_id")
ORDER_OF_RECEIPT = ("received_at", "kafka_topic", "kafka_partition", "kafka_offset")

#: Columns that the transforms need. The others are dropped before the shuffle.
COLUMNS = (
    *IDENTITY, "event_time", "event_type", "product_id", "category_code", "category_1", "category_2", "category_3",
    "brand", "price", "quantity", "revenue", "user_session", "order_id",
)  # fmt: skip


def select_days(events: DataFrame, days: Collection[date]) -> DataFrame:
    return events.where(F.col("event_day").isin(list(days)))


def drop_copies(events: DataFrame) -> DataFrame:
    """Keep the copy of each event that was received first, with all its columns."""
    receipt = Window.partitionBy(*IDENTITY).orderBy(*ORDER_OF_RECEIPT)
    return events.withColumn("copy", F.row_number().over(receipt)).where("copy = 1").drop("copy")


def deduplicate(events: DataFrame) -> DataFrame:
    """One row per event, with its customer as `customer_id` and its day as `day`. All rows of a customer are in one partition."""
    first = drop_copies(events.select(*COLUMNS, *ORDER_OF_RECEIPT).repartition("user_id"))
    return first.select(*COLUMNS).withColumnsRenamed({"user_id": "customer_id", "event_day": "day"})


def match_types() -> dict[str, Column]:
    """Name of the column that counts an event type -> condition that an event has this type."""
    return {name: F.col("event_type") == event_type for event_type, name in COUNTS.items()}


def count_types() -> list[Column]:
    return [F.count_if(has_type).alias(name) for name, has_type in match_types().items()]


def is_visit() -> Column:
    """Whether the customer made the event during a visit. The shop books refunds."""
    return F.col("event_type") != "refund"


def purchase_revenue() -> Column:
    """The revenue of purchases only, null for other events. `revenue` also has refunds, as negative amounts."""
    return F.when(F.col("event_type") == "purchase", F.col("revenue"))


def sum_events(events: DataFrame) -> DataFrame:
    """One row per day for the gate: number of events, net revenue, and number of events without a required value."""
    is_lacking = F.col("customer_id").isNull() | F.col("event_time").isNull() | F.col("product_id").isNull()
    money = F.coalesce(F.sum("revenue"), F.lit(0)).cast(MONEY)
    return events.groupBy("day").agg(F.count("*").alias("events"), money.alias("money"), F.count_if(is_lacking).alias("lacking"))
