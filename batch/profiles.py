"""The profile of each customer as of a day: the metrics, the latest events, the last days, and a hash over what a document
keeps of it. What moves with the calendar alone is not in the hash: a customer who does nothing keeps the same document."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.customer_day import RECENT
from batch.customers import CUSTOMER_ID
from batch.documents import SHAPE
from cdp.metrics import METRICS

DAYS = 90
#: Columns that tell one day from the next and are in no document.
CALENDAR = frozenset(metric.key for metric in METRICS if metric.since)


def profiles(customers: DataFrame, customer_day: DataFrame, as_of: date) -> DataFrame:
    """A row a customer: the columns of `customers`, and `recent`, `days`, `hash`."""
    known = customer_day.where(F.col("day") <= F.lit(as_of))
    whole = customers.join(history(known, as_of), CUSTOMER_ID)
    kept = F.struct(F.lit(SHAPE).alias("shape"), _kept(whole))
    return whole.withColumn("hash", F.left(F.sha2(F.to_json(kept), 256), F.lit(32)))


def moved(now: DataFrame, then: DataFrame, touched: DataFrame) -> DataFrame:
    """`customer_id` of those whose document may be another than it was as of the snapshot `then`: their metrics differ, or
    they were touched, which may have changed their events and days alone."""
    beside = now.select(CUSTOMER_ID, _kept(now).alias("now")).join(
        then.select(CUSTOMER_ID, _kept(then).alias("then")), CUSTOMER_ID, "left"
    )
    return beside.where(~F.col("now").eqNullSafe(F.col("then"))).select(CUSTOMER_ID).union(touched).distinct()


def _kept(frame: DataFrame) -> Column:
    return F.struct(*(name for name in frame.columns if name not in CALENDAR))


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
