"""The profile of each customer as of a day: the metrics, the latest events, the last days, and two hashes over what a document
keeps of it: one over the metrics, one over the history. What moves with the calendar alone is in none of them: a customer who
does nothing keeps the same document. One who moves among the others without being touched gets other metrics alone."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark import RDD
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.customers.documents import SHAPE
from batch.customers.rfm import TOTALS_BEFORE
from batch.customers.snapshot import of
from batch.customers.standing import Earlier
from batch.days.customer_day import CUSTOMER_ID, RECENT
from cdp.metrics import METRICS

DAYS = 90
#: Columns that tell one day from the next and are in no document.
CALENDAR = frozenset(metric.key for metric in METRICS if metric.since)


def profiles(customers: DataFrame, customer_day: DataFrame, as_of: date) -> DataFrame:
    """A row a customer: the metrics, `hash`, `recent`, `days`, `history_hash`."""
    known = customer_day.where(F.col("day") <= F.lit(as_of))
    return with_hash(customers).join(history(known, as_of), CUSTOMER_ID)


def profiles_moved(customers: DataFrame, customer_day: DataFrame, as_of: date, earlier: Earlier) -> DataFrame:
    """The profiles that may differ from what they were as of the earlier snapshot: of the touched, whose rows `customer_day`
    has, and without a history of those who have other metrics now."""
    theirs = profiles(of(earlier.touched, customers), customer_day, as_of)
    before = earlier.snapshot.select(CUSTOMER_ID, F.struct(*_kept(customers)).alias("before"))
    others = customers.join(F.broadcast(earlier.touched), CUSTOMER_ID, "left_anti").join(before, CUSTOMER_ID, "left")
    moved = others.where(~F.struct(*_kept(customers)).eqNullSafe(F.col("before"))).drop("before")
    return theirs.unionByName(with_hash(moved), allowMissingColumns=True)


def with_hash(customers: DataFrame) -> DataFrame:
    """The metrics, and a hash over those that a document keeps."""
    return customers.drop(*TOTALS_BEFORE).withColumn("hash", _hash(*_kept(customers)))


def _kept(customers: DataFrame) -> list[str]:
    return [name for name in customers.columns if name not in {*CALENDAR, *TOTALS_BEFORE}]


def _hash(*columns: str) -> Column:
    return F.left(F.sha2(F.to_json(F.struct(F.lit(SHAPE).alias("shape"), *columns)), 256), F.lit(32))


def as_json(profiles: DataFrame) -> RDD[str]:
    """A text each, which costs less on the way to Python than a row does. Decimals are texts in it and times microseconds, so
    that none is rounded; what is missing, and what no document keeps, is left out."""
    decimals = {name: F.col(name).cast("string") for name, kind in profiles.dtypes if kind.startswith("decimal")}
    recent = F.transform("recent", _plain_event)
    days = F.transform("days", lambda day: day.withField("revenue", day["revenue"].cast("string")))
    return profiles.drop(*CALENDAR).withColumns({**decimals, "recent": recent, "days": days}).toJSON()


def _plain_event(event: Column) -> Column:
    plain = event.withField("time", F.unix_micros(event["time"]))
    return plain.withField("price", event["price"].cast("string")).withField("revenue", event["revenue"].cast("string"))


def history(customer_day: DataFrame, as_of: date) -> DataFrame:
    """`recent`, newest first, `days`, oldest first, and `history_hash` over both. The latest events lie in the latest days,
    each of which has one."""
    newest = Window.partitionBy(CUSTOMER_ID).orderBy(F.desc("day"))
    placed = customer_day.withColumn("place", F.row_number().over(newest))
    in_window = F.col("day") > F.lit(as_of - timedelta(days=DAYS))
    rows = placed.where((F.col("place") <= RECENT) | in_window)
    recent = F.collect_list(F.when(F.col("place") <= RECENT, F.struct("place", "recent")))
    days = F.collect_list(F.when(in_window, F.struct("day", "views", "orders", "revenue")))
    collected = rows.groupBy(CUSTOMER_ID).agg(
        F.slice(F.flatten(F.transform(F.sort_array(recent), lambda day: day["recent"])), 1, RECENT).alias("recent"),
        F.sort_array(days).alias("days"),
    )
    return collected.withColumn("history_hash", _hash("recent", "days"))
