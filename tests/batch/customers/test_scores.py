"""Scores of hand-made customers: ties share a score, and customers who never ordered have none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from batch.customers.scores import add_scores
from cdp.metrics import of_stage
from tests.spark_session import spark

__all__ = ["spark"]

pytestmark = pytest.mark.spark

AS_OF = date(2019, 10, 31)
SCORES = of_stage("scores")

#: Days since the last order, orders, money; and the three scores. With ten buyers, every two worse ones add one to a score.
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


def make_totals(spark: SparkSession, names: list[str], days_later: int = 0) -> DataFrame:
    day = AS_OF + timedelta(days=days_later)
    rows = [
        (name, day, None if days is None else day - timedelta(days=days), orders, Decimal(money))
        for name in names
        for days, orders, money in [BY_HAND[name][0]]
    ]
    columns = "customer_id string, as_of date, last_order date, total_purchase bigint, total_purchase_value decimal(18, 2)"
    return spark.createDataFrame(rows, columns)


def compute_scores(frame: DataFrame) -> dict[tuple[str, date], tuple[int | None, ...]]:
    scored = add_scores(frame, SCORES)
    assert scored.columns == [*frame.columns, *(score.key for score in SCORES)]
    return {(row.customer_id, row.as_of): tuple(row[score.key] for score in SCORES) for row in scored.collect()}


def test_scores_by_hand(spark: SparkSession) -> None:
    assert compute_scores(make_totals(spark, list(BY_HAND))) == {(name, AS_OF): scores for name, (_, scores) in BY_HAND.items()}


def test_customers_are_ranked_on_each_day(spark: SparkSession) -> None:
    """The same ten, and a second day with only some of them, whose scores differ for that reason."""
    some, later = ["a", "g", "j", "nobody"], AS_OF + timedelta(days=7)
    scores_by_day = compute_scores(make_totals(spark, list(BY_HAND)).union(make_totals(spark, some, 7)))
    assert {name: scores for (name, day), scores in scores_by_day.items() if day == AS_OF} == {
        n: s for n, (_, s) in BY_HAND.items()
    }
    assert {name: scores for (name, day), scores in scores_by_day.items() if day == later} == {
        "a": (4, 1, 1), "g": (2, 2, 2), "j": (1, 4, 4), "nobody": (None, None, None),
    }  # fmt: skip


def test_customers_are_kept_where_nobody_ordered(spark: SparkSession) -> None:
    assert compute_scores(make_totals(spark, ["nobody"])) == {("nobody", AS_OF): (None, None, None)}
