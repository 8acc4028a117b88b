"""The customers as of a day: every metric of the catalogue, from the daily rows and the interactions up to that day.

What is counted of a customer's own rows is carried over from an earlier snapshot for those who were not touched since. Scores,
which look at all customers, and what is derived are of the day: all customers get them anew.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.customers.rfm import TOTALS_BEFORE, rfm, totals_before
from batch.customers.standing import Earlier
from batch.customers.things import things
from batch.days.customer_day import CUSTOMER_ID
from cdp.metrics import METRICS, Metric, Stage, of_stage, sql_for_day
from cdp.spark import METRIC_TYPES


def counted(customer_day: DataFrame, interactions: DataFrame, as_of: date) -> DataFrame:
    """What is counted of each customer's own rows: the metrics of the stages `days` and `things`, and TOTALS_BEFORE."""
    known = customer_day.where(F.col("day") <= F.lit(as_of))
    totals = known.groupBy(CUSTOMER_ID).agg(*_expressions("days", as_of), *totals_before(as_of))
    favourites = things(interactions, as_of).groupBy(CUSTOMER_ID).agg(*_expressions("things", as_of))
    return totals.join(favourites, CUSTOMER_ID, "left")


def carried(earlier: Earlier, anew: DataFrame) -> DataFrame:
    """The same of all customers, where `anew` has the touched. One of them without a row up to the day any more is in neither."""
    kept = earlier.snapshot.join(F.broadcast(earlier.touched), CUSTOMER_ID, "left_anti")
    return kept.select(anew.columns).unionByName(anew)


def customers(counted: DataFrame, as_of: date) -> DataFrame:
    """`customer_id`, a column a metric in the order of the catalogue, and TOTALS_BEFORE. It looks at what was counted twice."""
    placed = counted.join(rfm(counted, as_of), CUSTOMER_ID, "left")
    return placed.select(CUSTOMER_ID, *(_column(metric, as_of) for metric in METRICS), *TOTALS_BEFORE)


def of(customers: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows of these customers, which are few."""
    return rows.join(F.broadcast(customers.select(CUSTOMER_ID)), CUSTOMER_ID, "left_semi")


def _expressions(stage: Stage, as_of: date) -> list[Column]:
    return [_expression(metric, as_of) for metric in of_stage(stage)]


def _column(metric: Metric, as_of: date) -> Column:
    """A derived metric from those that are columns already; the rest as they are."""
    return _expression(metric, as_of) if metric.stage == "derived" else F.col(metric.key)


def _expression(metric: Metric, as_of: date) -> Column:
    return F.expr(sql_for_day(metric, as_of.isoformat())).cast(METRIC_TYPES[metric.kind]).alias(metric.key)
