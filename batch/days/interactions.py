"""A row a customer, day, event type and product with its categories and brand: how often, how many, for how much.
What a customer's favourites and distinct products are made of, without reading the events again."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

KEY = ["day", "customer_id", "event_type", "product_id", "category_1", "category_2", "category_3", "brand"]
#: Column -> its type, of the table on HDFS.
COLUMNS = {
    "day": "date", "customer_id": "string", "event_type": "string",
    "product_id": "string", "category_1": "string", "category_2": "string", "category_3": "string", "brand": "string",
    "events": "bigint", "quantity": "bigint", "money": "decimal(18, 2)",
}  # fmt: skip


def interactions(events: DataFrame) -> DataFrame:
    """Money is of purchases and, negative, of refunds; elsewhere it is 0. Categories and brand are as the events
    name them: a product that changes its category in the middle of a day has two rows."""
    counted = events.groupBy(*KEY).agg(
        F.count("*").alias("events"),
        F.sum("quantity").alias("quantity"),
        F.coalesce(F.sum("revenue"), F.lit(0)).alias("money"),
    )
    return counted.select(*(F.col(name).cast(kind) for name, kind in COLUMNS.items()))
