"""The customers as of a day: every metric of the catalogue, from the daily rows and the interactions up to that day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.earlier_groups import with_earlier_groups
from batch.scores import scored
from batch.things import things
from cdp.metrics import METRICS, Metric, Stage, of_stage, sql_for_day
from cdp.spark import METRIC_TYPES

CUSTOMER_ID = "customer_id"


def customers(customer_day: DataFrame, interactions: DataFrame, as_of: date) -> DataFrame:
    """`customer_id` and a column a metric, in the order of the catalogue."""
    known = customer_day.where(F.col("day") <= F.lit(as_of))
    totals = _aggregated(known, "days", as_of)
    whole = totals.join(_aggregated(things(interactions, as_of), "things", as_of), CUSTOMER_ID, "left")
    # The scores look at three totals only: computing those twice is cheaper than keeping every column of every customer.
    placed = scored(with_earlier_groups(whole, known, as_of), totals, of_stage("scores"), as_of)
    return placed.select(CUSTOMER_ID, *(_column(metric, as_of) for metric in METRICS))


def _aggregated(rows: DataFrame, stage: Stage, as_of: date) -> DataFrame:
    return rows.groupBy(CUSTOMER_ID).agg(*(_expression(metric, as_of) for metric in of_stage(stage)))


def _column(metric: Metric, as_of: date) -> Column:
    """A derived metric from those that are columns already; the rest as they are."""
    return _expression(metric, as_of) if metric.stage == "derived" else F.col(metric.key)


def _expression(metric: Metric, as_of: date) -> Column:
    return F.expr(sql_for_day(metric, as_of.isoformat())).cast(METRIC_TYPES[metric.kind]).alias(metric.key)
