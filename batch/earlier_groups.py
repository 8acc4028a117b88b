"""The RFM group that each customer was in on earlier days, among those who had ordered by then.

It follows from the daily rows up to that day, with the scores of today: which days were published does not matter.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.scores import scored
from cdp.metrics import BY_KEY, Metric, of_stage, sql_for_day
from cdp.metrics.rfm import RFM_GROUP, TOTALS
from cdp.spark import METRIC_TYPES

CUSTOMER_ID = "customer_id"


def with_earlier_groups(customers: DataFrame, customer_day: DataFrame, as_of: date) -> DataFrame:
    """`customers` with a column for each metric of the stage, missing where there was no order by then."""
    bought = customer_day.where(F.col("orders") > 0)
    earlier = (_groups(bought, metric, as_of) for metric in of_stage("earlier"))
    return reduce(lambda left, right: left.join(right, CUSTOMER_ID, "left"), earlier, customers)


def _groups(bought: DataFrame, metric: Metric, as_of: date) -> DataFrame:
    day = as_of - timedelta(days=metric.days_ago)
    totals = bought.where(F.col("day") <= F.lit(day)).groupBy(CUSTOMER_ID).agg(*(_total(key, day) for key in TOTALS))
    group = F.expr(sql_for_day(RFM_GROUP, day.isoformat())).alias(metric.key)
    return scored(totals, totals, of_stage("scores"), day).select(CUSTOMER_ID, group)


def _total(key: str, day: date) -> Column:
    metric = BY_KEY[key]
    return F.expr(sql_for_day(metric, day.isoformat())).cast(METRIC_TYPES[metric.kind]).alias(key)
