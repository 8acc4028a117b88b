"""Scores from 1 to 5 by a customer's place among all, exactly as cdp/metrics/rfm.py says.

`worse` of `buyers` values are strictly less than a customer's, and the score is 1 + floor(5 * worse / buyers). So it is at
least k + 1 where the value is more than the k-th bound: the least value that k fifths of the buyers don't exceed. The four
bounds of each score are all that is needed. They are found over the distinct values, each with its number of customers, so
that no window holds a row a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from cdp.metrics import Metric, sql_as_of
from cdp.metrics.rfm import BANDS

#: The day as of which a row counts; a customer has a place on each.
AS_OF = "as_of"
#: Days, orders and money alike.
VALUE = "decimal(20, 2)"


def scored(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    """`totals`, which have a row a customer and `as_of`, with a column a score: by their place among all rows of that day."""
    given = totals.join(F.broadcast(bounds(totals, scores)), AS_OF, "left")
    made = {score.key: _score(score) for score in scores}
    return given.withColumns(made).select(*totals.columns, *made)


def bounds(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    """A row for each `as_of`: the four bounds of each score, missing where no customer has a value."""
    upwards = Window.partitionBy(AS_OF, "score").orderBy("value").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    placed = _distinct_values(totals, scores).select(
        AS_OF,
        "score",
        "value",
        F.sum("customers").over(upwards).alias("up_to"),
        F.sum("customers").over(Window.partitionBy(AS_OF, "score")).alias("buyers"),
    )
    of_scores = (_bound(score, k).alias(_name(score, k)) for score in scores for k in range(1, BANDS))
    return placed.groupBy(AS_OF).agg(*of_scores)


def _distinct_values(totals: DataFrame, scores: Sequence[Metric]) -> DataFrame:
    values = F.array(*(F.struct(F.lit(score.key).alias("score"), _value(score).alias("value")) for score in scores))
    each = totals.select(AS_OF, F.inline(values)).where("value IS NOT NULL")
    return each.groupBy(AS_OF, "score", "value").agg(F.count("*").alias("customers"))


def _bound(score: Metric, k: int) -> Column:
    reached = (F.col("score") == score.key) & (F.col("up_to") * BANDS >= F.col("buyers") * k)
    return F.min(F.when(reached, F.col("value")))


def _score(score: Metric) -> Column:
    """Missing where the value is: a comparison with nothing is nothing."""
    passed = ((_value(score) > F.col(_name(score, k))).cast("bigint") for k in range(1, BANDS))
    return reduce(add, passed) + 1


def _value(score: Metric) -> Column:
    return F.expr(sql_as_of(score, AS_OF)).cast(VALUE)


def _name(score: Metric, k: int) -> str:
    return f"{score.key}_{k}"
