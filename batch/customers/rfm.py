"""Each customer's scores as of the published day, and the RFM group that they were in on earlier days.

All follow from three totals of each customer as of the day in question. The snapshot keeps those of the earlier days beside its
metrics, so that no history is read for them: like a metric they are carried over until the customer is touched.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.customers.scores import AS_OF, scored
from batch.days.customer_day import CUSTOMER_ID
from cdp.metrics import BY_KEY, of_stage, sql_as_of
from cdp.metrics.rfm import EARLIER_DAYS, RFM_GROUP, TOTALS
from cdp.spark import METRIC_TYPES


def total_before(key: str, days_ago: int) -> str:
    """The column that holds a total as it was; today's is the metric of that name."""
    return f"{key}_{days_ago}d_ago" if days_ago else key


#: Columns of the snapshot that are no metrics: nobody but the next night reads them.
TOTALS_BEFORE = tuple(total_before(key, days_ago) for days_ago in EARLIER_DAYS for key in TOTALS)


def totals_before(as_of: date) -> list[Column]:
    """Aggregates over a customer's rows of `customer_day`."""
    return [_total(key, days_ago, as_of) for days_ago in EARLIER_DAYS for key in TOTALS]


def _total(key: str, days_ago: int, as_of: date) -> Column:
    metric, then = BY_KEY[key], f"DATE '{as_of - timedelta(days=days_ago)}'"
    total = F.expr(f"{sql_as_of(metric, then)} FILTER (WHERE day <= {then})")
    return total.cast(METRIC_TYPES[metric.kind]).alias(total_before(key, days_ago))


def rfm(customers: DataFrame, day: date) -> DataFrame:
    """`customer_id` of who has ordered by the day, and a column for each metric of the stages `scores` and `earlier`."""
    scores = of_stage("scores")
    placed = scored(_by_day(customers, day), scores)
    grouped = placed.withColumn(RFM_GROUP.key, F.expr(sql_as_of(RFM_GROUP, AS_OF)))
    return grouped.groupBy(CUSTOMER_ID).agg(
        *(_on(day, score.key).alias(score.key) for score in scores),
        *(_on(day - timedelta(days=earlier.days_ago), RFM_GROUP.key).alias(earlier.key) for earlier in of_stage("earlier")),
    )


def _by_day(customers: DataFrame, day: date) -> DataFrame:
    """A row a customer and day that is looked at: the totals of who had ordered by then."""
    each = (
        F.struct(
            F.lit(day - timedelta(days=days_ago)).alias(AS_OF),
            *(F.col(total_before(key, days_ago)).alias(key) for key in TOTALS),
        )
        for days_ago in (0, *EARLIER_DAYS)
    )
    return customers.select(CUSTOMER_ID, F.inline(F.array(*each))).where("total_purchase > 0")


def _on(day: date, column: str) -> Column:
    """There is one row a customer and day."""
    return F.max(F.when(F.col(AS_OF) == F.lit(day), F.col(column)))
