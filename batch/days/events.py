"""The events of some days, each once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.events import COUNTS

#: Within a customer's day an event is known by its id; the copy that was received first is the event.
IDENTITY = ("user_id", "event_day", "event_id")
ORDER_OF_RECEIPT = ("received_at", "kafka_topic", "kafka_partition", "kafka_offset")

#: What the transforms need; the rest is not carried through the shuffle.
COLUMNS = (
    *IDENTITY, "event_time", "event_type", "product_id", "category_code", "category_1", "category_2", "category_3",
    "brand", "price", "quantity", "revenue", "user_session", "order_id",
)  # fmt: skip


def events_of_days(events: DataFrame, days: Collection[date]) -> DataFrame:
    return events.where(F.col("event_day").isin(list(days)))


def without_copies(events: DataFrame) -> DataFrame:
    """Of each event the copy that was received first, whole."""
    receipt = Window.partitionBy(*IDENTITY).orderBy(*ORDER_OF_RECEIPT)
    return events.withColumn("copy", F.row_number().over(receipt)).where("copy = 1").drop("copy")


def events_once(events: DataFrame) -> DataFrame:
    """A row an event, with its customer as `customer_id` and its day as `day`, all of a customer in one partition."""
    first = without_copies(events.select(*COLUMNS, *ORDER_OF_RECEIPT).repartition("user_id"))
    return first.select(*COLUMNS).withColumnsRenamed({"user_id": "customer_id", "event_day": "day"})


def of_type() -> dict[str, Column]:
    """Column that counts a type of event -> whether an event is of it."""
    return {name: F.col("event_type") == event_type for event_type, name in COUNTS.items()}


def counts() -> list[Column]:
    return [F.count_if(is_one).alias(name) for name, is_one in of_type().items()]


def visited() -> Column:
    """Whether an event is part of a visit. A refund is booked by the shop."""
    return F.col("event_type") != "refund"


def gross() -> Column:
    """What a purchase is worth; nothing elsewhere. `revenue` also has, negative, what a refund took back."""
    return F.when(F.col("event_type") == "purchase", F.col("revenue"))


def event_sums(events: DataFrame) -> DataFrame:
    """A row a day for the gate: how many events, their money less what was refunded, and whether any lacks what all must have."""
    lacks = F.col("customer_id").isNull() | F.col("event_time").isNull() | F.col("product_id").isNull()
    money = F.coalesce(F.sum("revenue"), F.lit(0)).cast("decimal(18, 2)")
    return events.groupBy("day").agg(F.count("*").alias("events"), money.alias("money"), F.count_if(lacks).alias("lacking"))
