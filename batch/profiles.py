"""The profile of each customer as of a day: the metrics, the latest events, the last days, and a hash over what a document
keeps of it. What moves with the calendar alone is not in the hash: a customer who does nothing keeps the same document."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark import RDD
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.customer_day import RECENT
from batch.customers import CUSTOMER_ID
from batch.documents import SHAPE
from batch.standing import Earlier
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


def moved(customers: DataFrame, earlier: Earlier) -> DataFrame:
    """`customer_id` of those whose profile may differ from what it was as of the earlier snapshot: they have other metrics, or
    were touched, for then their events and days may have changed alone."""
    now = customers.select(CUSTOMER_ID, _kept(customers).alias("now"))
    then = earlier.snapshot.select(CUSTOMER_ID, _kept(earlier.snapshot).alias("then"))
    differs = ~F.col("now").eqNullSafe(F.col("then"))
    return now.join(then, CUSTOMER_ID, "left").where(differs).select(CUSTOMER_ID).union(earlier.touched).distinct()


def _kept(frame: DataFrame) -> Column:
    return F.struct(*(name for name in frame.columns if name not in CALENDAR))


def as_json(profiles: DataFrame) -> RDD[str]:
    """A text each, which costs less on the way to Python than a row does. Decimals are texts in it and times microseconds, so
    that none is rounded; what is missing, and what no document keeps, is left out."""
    decimals = {name: F.col(name).cast("string") for name, kind in profiles.dtypes if kind.startswith("decimal")}
    recent = F.transform("recent", _plain_event)
    days = F.transform("days", lambda day: day.withField("revenue", day["revenue"].cast("string")))
    return profiles.drop(*CALENDAR).withColumns({**decimals, "recent": recent, "days": days}).toJSON()


def _plain_event(event: Column) -> Column:
    return event.withField("time", F.unix_micros(event["time"])).withField("price", event["price"].cast("string"))


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
