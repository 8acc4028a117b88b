"""Customers by their scores as of the published day, and by RFM group now and on an earlier day.

Both are counted from the snapshot, which has the earlier group as a metric. No other publication is read.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.metrics.rfm import EARLIER_GROUPS

SCORES = ["recency_score", "frequency_score", "monetary_score", "rfm_group"]
#: Metric -> column that holds its sum.
_MONEY = {"gross_purchase_value": "gross_revenue", "total_purchase_value": "revenue"}


def build_rfm_day(customers: DataFrame, day: date) -> DataFrame:
    """The columns of RFM_DAY. Customers who never ordered have no scores and are not counted."""
    scored = customers.where("recency_score IS NOT NULL").groupBy(*SCORES)
    sums = (F.sum(key).alias(name) for key, name in _MONEY.items())
    rows = scored.agg(F.count("*").alias("customers"), *sums)
    return rows.withColumn("day", F.lit(day))


def build_rfm_flow(customers: DataFrame, day: date) -> DataFrame:
    """The columns of RFM_FLOW. An empty string means no group, so the rows of each `since` add up to all customers."""
    moves = [
        F.struct(
            F.lit(since).alias("since"), _fill_group(metric.key).alias("from_group"), _fill_group("rfm_group").alias("to_group")
        )
        for since, metric in EARLIER_GROUPS.items()
    ]
    grouped = customers.select(F.inline(F.array(*moves))).groupBy("since", "from_group", "to_group")
    return grouped.agg(F.count("*").alias("customers")).withColumn("day", F.lit(day))


def _fill_group(key: str) -> Column:
    return F.coalesce(key, F.lit(""))
