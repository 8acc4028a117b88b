"""The customers as of a day: every metric of cdp/metrics.py, from the daily rows up to that day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.metrics import METRICS, Metric, sql_for_day
from cdp.spark import METRIC_TYPES

CUSTOMER_ID = "customer_id"


def customers(customer_day: DataFrame, as_of: date) -> DataFrame:
    """`customer_id` and a column a metric, in the order of the catalogue."""
    aggregates = [_expression(metric, as_of) for metric in METRICS if metric.stage == "aggregate"]
    known = customer_day.where(F.col("day") <= F.lit(as_of)).groupBy(CUSTOMER_ID).agg(*aggregates)
    for metric in METRICS:
        if metric.stage == "derived":
            known = known.withColumn(metric.key, _expression(metric, as_of))
    return known.select(CUSTOMER_ID, *(metric.key for metric in METRICS))


def _expression(metric: Metric, as_of: date) -> Column:
    return F.expr(sql_for_day(metric, as_of.isoformat())).cast(METRIC_TYPES[metric.kind]).alias(metric.key)
