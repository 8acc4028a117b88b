"""Groups of earlier days, and the tables that are counted from the snapshot."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.customers.rfm import compute_rfm, sum_totals_before
from batch.customers.rfm_tables import build_rfm_day, build_rfm_flow
from cdp.mart.charts import RFM_DAY, RFM_FLOW
from cdp.metrics import BY_KEY
from cdp.metrics.rfm import TOTALS
from tests.spark_session import spark

__all__ = ["spark"]

pytestmark = pytest.mark.spark

AS_OF = date(2019, 10, 31)
SCORES = ("recency_score", "frequency_score", "monetary_score")
GROUPS = ("rfm_group_1d_ago", "rfm_group_30d_ago")


def make_days(spark: SparkSession, *rows: tuple[str, int, int, str]) -> DataFrame:
    """Rows of: customer, days before the published day, orders, net revenue."""
    values = [(name, AS_OF - timedelta(days=ago), orders, Decimal(revenue)) for name, ago, orders, revenue in rows]
    return spark.createDataFrame(values, "customer_id string, day date, orders int, revenue decimal(18, 2)")


def find_earlier_groups(spark: SparkSession, *rows: tuple[str, int, int, str]) -> dict[str, tuple[str | None, ...]]:
    rows_up_to_day = make_days(spark, *rows).where(F.col("day") <= F.lit(AS_OF)).groupBy("customer_id")
    totals = rows_up_to_day.agg(*(F.expr(BY_KEY[key].sql).alias(key) for key in TOTALS), *sum_totals_before(AS_OF))
    frame = compute_rfm(totals, AS_OF)
    assert frame.columns == ["customer_id", *SCORES, *GROUPS]
    return {row.customer_id: tuple(row[key] for key in GROUPS) for row in frame.collect()}


def test_group_of_an_earlier_day_counts_the_orders_up_to_that_day(spark: SparkSession) -> None:
    """Ann ordered long ago, bob exactly 30 days before, cid the day before, dan on the published day, and eve never."""
    buyers = (("ann", 60, 1, "5.00"), ("bob", 30, 3, "90.00"), ("cid", 1, 9, "500.00"), ("dan", 0, 1, "1.00"))
    rows = (*buyers, ("eve", 50, 0, "0.00"))
    assert find_earlier_groups(spark, *rows) == {
        # Of three buyers the scores are 1, 2 and 4; of two 1 and 3.
        "ann": ("Lost", "Lost"),
        "bob": ("Hibernating", "Need attention"),
        "cid": ("Loyal", None),
        "dan": (None, None),
    }


def test_customers_with_equal_totals_on_the_earlier_day_were_in_one_group(spark: SparkSession) -> None:
    """Later orders do not matter, and neither does a day without an order after their last one."""
    rows = (("ann", 40, 1, "5.00"), ("bob", 40, 1, "5.00"), ("bob", 10, 7, "700.00"), ("bob", 35, 0, "0.00"))
    groups = find_earlier_groups(spark, *rows)
    assert groups["ann"][1] == groups["bob"][1] == "Lost"
    assert groups["ann"][0] == "Lost" != groups["bob"][0]


def test_no_group_if_nobody_had_ordered_yet(spark: SparkSession) -> None:
    assert find_earlier_groups(spark, ("ann", 0, 1, "5.00")) == {"ann": (None, None)}


def make_snapshot(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Rows of: scores, groups now, a day ago and 30 days ago, and net money. Each customer had 7 refunded."""
    columns = "recency_score int, frequency_score int, monetary_score int, rfm_group string"
    columns += ", rfm_group_1d_ago string, rfm_group_30d_ago string, total_purchase_value decimal(18, 2)"
    columns += ", gross_purchase_value decimal(18, 2)"
    return spark.createDataFrame([(*row[:-1], Decimal(row[-1]), Decimal(row[-1]) + 7) for row in rows], columns)


CUSTOMERS = (
    (5, 5, 5, "Champions", "Champions", "Loyal", "100.00"),
    (5, 5, 5, "Champions", "Loyal", "Loyal", "50.00"),
    (5, 1, 1, "New customers", None, None, "0.00"),
    (None, None, None, None, None, None, "0.00"),
)


def test_customers_without_scores_are_not_in_the_grid(spark: SparkSession) -> None:
    frame = build_rfm_day(make_snapshot(spark, *CUSTOMERS), AS_OF).select(*RFM_DAY.column_names)
    assert sorted(tuple(row) for row in frame.collect()) == [
        (AS_OF, 5, 1, 1, "New customers", 1, Decimal("7.00"), Decimal("0.00")),
        (AS_OF, 5, 5, 5, "Champions", 2, Decimal("164.00"), Decimal("150.00")),
    ]


def test_flow_has_every_customer_once_since_each_day(spark: SparkSession) -> None:
    frame = build_rfm_flow(make_snapshot(spark, *CUSTOMERS), AS_OF).select(*RFM_FLOW.column_names)
    assert sorted(tuple(row)[1:] for row in frame.collect()) == [
        ("day", "", "", 1),
        ("day", "", "New customers", 1),
        ("day", "Champions", "Champions", 1),
        ("day", "Loyal", "Champions", 1),
        ("month", "", "", 1),
        ("month", "", "New customers", 1),
        ("month", "Loyal", "Champions", 2),
    ]
