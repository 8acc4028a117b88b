"""Scores by place, on customers made by hand: ties share a score, who never ordered has none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from batch.scores import scored
from cdp.metrics import of_stage
from tests.spark_session import spark

__all__ = ["spark"]

pytestmark = pytest.mark.spark

AS_OF = date(2019, 10, 31)
SCORES = of_stage("scores")

#: Days since the order, orders, money; and the three scores. Ten buyers: a score more for every two that are worse.
BY_HAND = {
    "a": ((0, 1, "10.00"), (5, 1, 1)),
    "b": ((1, 1, "10.01"), (5, 1, 1)),
    "c": ((2, 1, "20.00"), (3, 1, 2)),
    "d": ((2, 1, "20.00"), (3, 1, 2)),
    "e": ((2, 1, "20.00"), (3, 1, 2)),
    "f": ((2, 1, "30.00"), (3, 1, 3)),
    "g": ((40, 2, "30.00"), (2, 4, 3)),
    "h": ((41, 2, "50.00"), (2, 4, 4)),
    "i": ((300, 2, "60.00"), (1, 4, 5)),
    "j": ((300, 9, "99999.99"), (1, 5, 5)),
    "nobody": ((None, 0, "0.00"), (None, None, None)),
}


def totals(spark: SparkSession, names: list[str]) -> DataFrame:
    rows = [
        (name, None if days is None else AS_OF - timedelta(days=days), orders, Decimal(money))
        for name in names
        for days, orders, money in [BY_HAND[name][0]]
    ]
    return spark.createDataFrame(
        rows, "customer_id string, last_order date, total_purchase bigint, total_purchase_value decimal(18, 2)"
    )


def scores_of(frame: DataFrame) -> dict[str, tuple[int | None, ...]]:
    made = scored(frame, frame, SCORES, AS_OF)
    assert made.columns == [*frame.columns, *(score.key for score in SCORES)]
    return {row.customer_id: tuple(row[score.key] for score in SCORES) for row in made.collect()}


def test_scores_by_hand(spark: SparkSession) -> None:
    assert scores_of(totals(spark, list(BY_HAND))) == {name: scores for name, (_, scores) in BY_HAND.items()}


def test_customers_are_kept_where_nobody_ordered(spark: SparkSession) -> None:
    assert scores_of(totals(spark, ["nobody"])) == {"nobody": (None, None, None)}
