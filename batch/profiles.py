"""The profile of each customer as of a day: the metrics, the latest events, the last days, and a hash over all of it."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from batch.customer_day import RECENT
from batch.customers import CUSTOMER_ID

DAYS = 90


def profiles(customers: DataFrame, customer_day: DataFrame, as_of: date) -> DataFrame:
    """A row a customer: the columns of `customers`, and `as_of`, `recent`, `days`, `hash`."""
    known = customer_day.where(F.col("day") <= F.lit(as_of))
    whole = customers.join(history(known, as_of), CUSTOMER_ID).withColumn("as_of", F.lit(as_of.isoformat()))
    return whole.withColumn("hash", F.left(F.sha2(F.to_json(F.struct(*whole.columns)), 256), F.lit(32)))


def history(customer_day: DataFrame, as_of: date) -> DataFrame:
    """`recent`, newest first, and `days`, oldest first. The latest events lie in the latest days, each of which has one."""
    newest = Window.partitionBy(CUSTOMER_ID).orderBy(F.desc("day"))
    placed = customer_day.withColumn("place", F.row_number().over(newest))
    in_window = F.col("day") > F.lit(as_of - timedelta(days=DAYS))
    rows = placed.where((F.col("place") <= RECENT) | in_window)
    recent = F.collect_list(F.when(F.col("place") <= RECENT, F.struct("place", "recent")))
    days = F.collect_list(F.when(in_window, F.struct("day", "views", "orders", "revenue")))
    return rows.groupBy(CUSTOMER_ID).agg(
        F.slice(F.flatten(F.transform(F.sort_array(recent), lambda day: day["recent"])), 1, RECENT).alias("recent"),
        F.sort_array(days).alias("days"),
    )
