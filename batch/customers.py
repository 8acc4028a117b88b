"""The customers as of a day: every metric of the catalogue, from the daily rows and the interactions up to that day.

What is counted of a customer's own rows is carried over from an earlier snapshot for those who were not touched since. Scores,
which look at all customers, and what is derived are of the day: all customers get them anew.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.rfm import CUSTOMER_ID, rfm
from batch.standing import Earlier
from batch.things import things
from cdp.metrics import METRICS, Metric, Stage, of_stage, sql_for_day
from cdp.spark import METRIC_TYPES


def customers(customer_day: DataFrame, interactions: DataFrame, as_of: date, earlier: Earlier | None = None) -> DataFrame:
    """`customer_id` and a column a metric, in the order of the catalogue."""
    if earlier is None:
        counted = _counted(customer_day, interactions, as_of)
    else:
        counted = _carried(earlier, _counted(of(earlier.touched, customer_day), of(earlier.touched, interactions), as_of))
    placed = counted.join(rfm(customer_day, as_of), CUSTOMER_ID, "left")
    return placed.select(CUSTOMER_ID, *(_column(metric, as_of) for metric in METRICS))


def _counted(customer_day: DataFrame, interactions: DataFrame, as_of: date) -> DataFrame:
    """The metrics of the stages `days` and `things`."""
    totals = _aggregated(customer_day.where(F.col("day") <= F.lit(as_of)), "days", as_of)
    return totals.join(_aggregated(things(interactions, as_of), "things", as_of), CUSTOMER_ID, "left")


def of(customers: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows of these customers, which are few."""
    return rows.join(F.broadcast(customers.select(CUSTOMER_ID)), CUSTOMER_ID, "left_semi")


def _carried(earlier: Earlier, anew: DataFrame) -> DataFrame:
    """Who was touched and has no row up to the day any more is in neither part."""
    kept = earlier.snapshot.join(F.broadcast(earlier.touched), CUSTOMER_ID, "left_anti")
    return kept.select(anew.columns).unionByName(anew)


def _aggregated(rows: DataFrame, stage: Stage, as_of: date) -> DataFrame:
    return rows.groupBy(CUSTOMER_ID).agg(*(_expression(metric, as_of) for metric in of_stage(stage)))


def _column(metric: Metric, as_of: date) -> Column:
    """A derived metric from those that are columns already; the rest as they are."""
    return _expression(metric, as_of) if metric.stage == "derived" else F.col(metric.key)


def _expression(metric: Metric, as_of: date) -> Column:
    return F.expr(sql_for_day(metric, as_of.isoformat())).cast(METRIC_TYPES[metric.kind]).alias(metric.key)
