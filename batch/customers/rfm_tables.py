"""Customers by their scores as of the published day, and from which RFM group they have come since an earlier one.

Both are counted from the snapshot, which knows the earlier group as a metric: no other publication is looked at.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.metrics.rfm import EARLIER_GROUPS

SCORES = ["recency_score", "frequency_score", "monetary_score", "rfm_group"]
#: Metric -> the column that holds its sum.
_MONEY = {"gross_purchase_value": "gross_revenue", "total_purchase_value": "revenue"}


def rfm_day(customers: DataFrame, day: date) -> DataFrame:
    """The columns of RFM_DAY. Who never ordered has no scores."""
    scored = customers.where("recency_score IS NOT NULL").groupBy(*SCORES)
    sums = (F.sum(key).alias(name) for key, name in _MONEY.items())
    counted = scored.agg(F.count("*").alias("customers"), *sums)
    return counted.withColumn("day", F.lit(day))


def rfm_flow(customers: DataFrame, day: date) -> DataFrame:
    """The columns of RFM_FLOW. No group is the empty text, so that the rows of a `since` are all customers."""
    moves = [
        F.struct(F.lit(since).alias("since"), _group(metric.key).alias("from_group"), _group("rfm_group").alias("to_group"))
        for since, metric in EARLIER_GROUPS.items()
    ]
    moved = customers.select(F.inline(F.array(*moves))).groupBy("since", "from_group", "to_group")
    return moved.agg(F.count("*").alias("customers")).withColumn("day", F.lit(day))


def _group(key: str) -> Column:
    return F.coalesce(key, F.lit(""))
