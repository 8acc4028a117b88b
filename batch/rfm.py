"""Each customer's scores as of the published day, and the RFM group that they were in on earlier days.

All follow from the daily rows up to the day in question, among those who had ordered by then: which days were published does
not matter. Every day is looked at in one pass.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.scores import AS_OF, scored
from cdp.metrics import BY_KEY, Metric, of_stage, sql_as_of
from cdp.metrics.rfm import RFM_GROUP, TOTALS
from cdp.spark import METRIC_TYPES

CUSTOMER_ID = "customer_id"


def rfm(customer_day: DataFrame, day: date) -> DataFrame:
    """`customer_id` of who has ordered by the day, and a column for each metric of the stages `scores` and `earlier`."""
    scores = of_stage("scores")
    earlier = {metric.key: day - timedelta(days=metric.days_ago) for metric in of_stage("earlier")}
    placed = scored(_totals(customer_day, {day, *earlier.values()}), scores)
    grouped = placed.withColumn(RFM_GROUP.key, F.expr(sql_as_of(RFM_GROUP, AS_OF)))
    return grouped.groupBy(CUSTOMER_ID).agg(
        *(_on(day, score.key).alias(score.key) for score in scores),
        *(_on(then, RFM_GROUP.key).alias(key) for key, then in earlier.items()),
    )


def _totals(customer_day: DataFrame, days: Collection[date]) -> DataFrame:
    """What the scores look at, as of each of the days."""
    each = F.explode(F.array(*(F.lit(day) for day in sorted(days)))).alias(AS_OF)
    bought = customer_day.where("orders > 0").select(CUSTOMER_ID, "day", "orders", "revenue", each)
    return bought.where(F.col("day") <= F.col(AS_OF)).groupBy(CUSTOMER_ID, AS_OF).agg(*(_total(BY_KEY[key]) for key in TOTALS))


def _total(metric: Metric) -> Column:
    return F.expr(sql_as_of(metric, AS_OF)).cast(METRIC_TYPES[metric.kind]).alias(metric.key)


def _on(day: date, column: str) -> Column:
    """There is one row a customer and day."""
    return F.max(F.when(F.col(AS_OF) == F.lit(day), F.col(column)))
