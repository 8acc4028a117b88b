"""The profile of each customer as of a day: the metrics, the latest events, the last days, and two hashes over the stored parts:
one over the metrics, one over the history. Values that change with the calendar alone are in neither hash, so an inactive
customer keeps the same document. A customer whose scores change only because of other customers gets new metrics and keeps the
history."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark import RDD
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.customers.documents import SHAPE
from batch.customers.lineage import Baseline
from batch.customers.rfm import TOTALS_BEFORE
from batch.customers.snapshot import select_rows_of
from batch.days.customer_day import CUSTOMER_ID, RECENT
from cdp.metrics import METRICS

DAYS = 90
#: Columns that change every day. They are not stored in documents.
CALENDAR = frozenset(metric.key for metric in METRICS if metric.since)


def profiles(customers: DataFrame, customer_day: DataFrame, as_of: date) -> DataFrame:
    """One row per customer: the metrics, `hash`, `recent`, `days`, `history_hash`."""
    rows_up_to_day = customer_day.where(F.col("day") <= F.lit(as_of))
    return _add_hash(customers).join(_collect_history(rows_up_to_day, as_of), CUSTOMER_ID)


def build_changed_profiles(customers: DataFrame, customer_day: DataFrame, as_of: date, baseline: Baseline) -> DataFrame:
    """The profiles that may differ from the baseline: complete ones for the changed customers, whose rows `customer_day` has, and
    profiles without history for other customers whose metrics differ."""
    complete = profiles(select_rows_of(baseline.changed_ids, customers), customer_day, as_of)
    before = baseline.snapshot.select(CUSTOMER_ID, F.struct(*_list_stored_columns(customers)).alias("before"))
    others = customers.join(F.broadcast(baseline.changed_ids), CUSTOMER_ID, "left_anti").join(before, CUSTOMER_ID, "left")
    moved = others.where(~F.struct(*_list_stored_columns(customers)).eqNullSafe(F.col("before"))).drop("before")
    return complete.unionByName(_add_hash(moved), allowMissingColumns=True)


def _add_hash(customers: DataFrame) -> DataFrame:
    """The metrics, and a hash over those that a document stores."""
    return customers.drop(*TOTALS_BEFORE).withColumn("hash", _hash(*_list_stored_columns(customers)))


def _list_stored_columns(customers: DataFrame) -> list[str]:
    return [name for name in customers.columns if name not in {*CALENDAR, *TOTALS_BEFORE}]


def _hash(*columns: str) -> Column:
    return F.left(F.sha2(F.to_json(F.struct(F.lit(SHAPE).alias("shape"), *columns)), 256), F.lit(32))


def as_json(profiles: DataFrame) -> RDD[str]:
    """One JSON string per profile, which reaches Python cheaper than a row. Decimals are strings and times are microseconds, so
    nothing is rounded. Missing values and columns that no document stores are left out."""
    decimals = {name: F.col(name).cast("string") for name, kind in profiles.dtypes if kind.startswith("decimal")}
    recent = F.transform("recent", _simplify_event)
    days = F.transform("days", lambda day: day.withField("revenue", day["revenue"].cast("string")))
    return profiles.drop(*CALENDAR).withColumns({**decimals, "recent": recent, "days": days}).toJSON()


def _simplify_event(event: Column) -> Column:
    simple = event.withField("time", F.unix_micros(event["time"]))
    return simple.withField("price", event["price"].cast("string")).withField("revenue", event["revenue"].cast("string"))


def _collect_history(customer_day: DataFrame, as_of: date) -> DataFrame:
    """`recent`, newest first, `days`, oldest first, and `history_hash` over both. Each day has at least one event, so the latest
    RECENT days contain the latest RECENT events."""
    newest = Window.partitionBy(CUSTOMER_ID).orderBy(F.desc("day"))
    ranked = customer_day.withColumn("rank", F.row_number().over(newest))
    in_window = F.col("day") > F.lit(as_of - timedelta(days=DAYS))
    rows = ranked.where((F.col("rank") <= RECENT) | in_window)
    recent = F.collect_list(F.when(F.col("rank") <= RECENT, F.struct("rank", "recent")))
    days = F.collect_list(F.when(in_window, F.struct("day", "views", "orders", "revenue")))
    histories = rows.groupBy(CUSTOMER_ID).agg(
        F.slice(F.flatten(F.transform(F.sort_array(recent), lambda day: day["recent"])), 1, RECENT).alias("recent"),
        F.sort_array(days).alias("days"),
    )
    return histories.withColumn("history_hash", _hash("recent", "days"))
