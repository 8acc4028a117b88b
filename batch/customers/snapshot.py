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
from cdp.metrics import METRICS, Metric, Stage, of_stage, sql_as_of
from cdp.spark import METRIC_TYPES

#: A column of the rows that `counted` looks at.
AS_OF = "as_of"


def counted(customer_day: DataFrame, interactions: DataFrame, as_of: date) -> DataFrame:
    """What is counted of each customer's own rows: the metrics of the stages `days` and `things`, and TOTALS_BEFORE.

    The day comes to the rows by a join. As a literal it would stand in the code that Spark makes and compiles for these hundred
    aggregates, and a run that counts many days would compile them for each: eight of some ten seconds."""
    day = customer_day.sparkSession.createDataFrame([(as_of,)], f"{AS_OF} date")
    known, done = (rows.join(F.broadcast(day), F.col("day") <= F.col(AS_OF)) for rows in (customer_day, interactions))
    totals = known.groupBy(CUSTOMER_ID).agg(*_expressions("days", AS_OF), *totals_before(AS_OF))
    favourites = things(done).groupBy(CUSTOMER_ID).agg(*_expressions("things", AS_OF))
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


def _expressions(stage: Stage, as_of: str) -> list[Column]:
    return [_expression(metric, as_of) for metric in of_stage(stage)]


def _column(metric: Metric, as_of: date) -> Column:
    """A derived metric from those that are columns already; the rest as they are."""
    return _expression(metric, f"DATE '{as_of}'") if metric.stage == "derived" else F.col(metric.key)


def _expression(metric: Metric, as_of: str) -> Column:
    return F.expr(sql_as_of(metric, as_of)).cast(METRIC_TYPES[metric.kind]).alias(metric.key)
