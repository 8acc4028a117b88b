"""Scores from 1 to 5 by a customer's rank among all, as defined in cdp/metrics/rfm.py.

If `worse` of `buyers` values are strictly less than a customer's value, the score is 1 + floor(5 * worse / buyers). The score is
therefore at least k + 1 when the value exceeds the k-th bound: the least value that k fifths of the buyers don't exceed. Only the
four bounds of each score are needed. They are computed over the distinct values with their numbers of customers, so no window
needs a row per customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.metrics import Metric, sql_as_of
from cdp.metrics.rfm import BANDS

#: The day that a row describes. A customer is ranked separately on each day.
AS_OF = "as_of"
#: Type of all values: days, orders and money.
VALUE = "decimal(20, 2)"


def add_scores(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    """Add one column per score to `totals`, which has one row per customer and `as_of`. Rows are ranked within their day."""
    with_bounds = totals.join(F.broadcast(_find_bounds(totals, scores)), AS_OF, "left")
    columns = {score.key: _compute_score(score) for score in scores}
    return with_bounds.withColumns(columns).select(*totals.columns, *columns)


def _find_bounds(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    """One row per `as_of` with the four bounds of each score. A bound is null when no customer has a value."""
    upwards = Window.partitionBy(AS_OF, "score").orderBy("value").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    ranked = _count_distinct_values(totals, scores).select(
        AS_OF,
        "score",
        "value",
        F.sum("customers").over(upwards).alias("up_to"),
        F.sum("customers").over(Window.partitionBy(AS_OF, "score")).alias("buyers"),
    )
    bounds = (_find_bound(score, k).alias(_bound_column(score, k)) for score in scores for k in range(1, BANDS))
    return ranked.groupBy(AS_OF).agg(*bounds)


def _count_distinct_values(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    values = F.array(*(F.struct(F.lit(score.key).alias("score"), _compute_value(score).alias("value")) for score in scores))
    rows = totals.select(AS_OF, F.inline(values)).where("value IS NOT NULL")
    return rows.groupBy(AS_OF, "score", "value").agg(F.count("*").alias("customers"))


def _find_bound(score: Metric, k: int) -> Column:
    has_reached = (F.col("score") == score.key) & (F.col("up_to") * BANDS >= F.col("buyers") * k)
    return F.min(F.when(has_reached, F.col("value")))


def _compute_score(score: Metric) -> Column:
    """Null when the value is null, because a comparison with null is null."""
    bounds_exceeded = ((_compute_value(score) > F.col(_bound_column(score, k))).cast("bigint") for k in range(1, BANDS))
    return reduce(add, bounds_exceeded) + 1


def _compute_value(score: Metric) -> Column:
    return F.expr(sql_as_of(score, AS_OF)).cast(VALUE)


def _bound_column(score: Metric, k: int) -> str:
    return f"{score.key}_{k}"
