"""One row per customer, day, hour, event type and product with its categories, brand and price: events, quantity and money.
Favourites, distinct products and rules on behaviour are computed from these rows, so events are not read again."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.lake.tables import INTERACTIONS_TABLE

KEY = ["day", "hour", "customer_id", "event_type", "product_id", "category_1", "category_2", "category_3", "brand", "price"]


def build_interactions(events: DataFrame) -> DataFrame:
    """Money is positive for purchases, negative for refunds and 0 for other events. Hours are UTC. Categories, brand and the
    price of one unit are those of the events: a product that changes its price within an hour has two rows."""
    rows = (
        events.withColumn("hour", F.hour("event_time"))
        .groupBy(*KEY)
        .agg(
            F.count("*").alias("events"),
            F.sum("quantity").alias("quantity"),
            F.coalesce(F.sum("revenue"), F.lit(0)).alias("money"),
        )
    )
    return rows.select(*(F.col(name).cast(kind) for name, kind in INTERACTIONS_TABLE.columns.items()))
