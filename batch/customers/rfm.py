"""Each customer's scores as of the published day, and the RFM group of the customer on earlier days.

All of them are computed from three totals of each customer as of the day in question. The snapshot stores the totals of the
earlier days beside its metrics, so no history is read for them: like a metric they are carried over until the customer changes.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.customers.scores import AS_OF, add_scores
from batch.days.customer_day import CUSTOMER_ID
from cdp.kinds import METRIC_KINDS
from cdp.metrics import BY_KEY, of_stage, sql_as_of
from cdp.metrics.rfm import EARLIER_DAYS, RFM_GROUP, TOTALS


def total_column(key: str, days_ago: int) -> str:
    """The column with a total as of an earlier day. The total of today is the metric of that name."""
    return f"{key}_{days_ago}d_ago" if days_ago else key


#: Columns of the snapshot that are not metrics. Only the next night reads them.
TOTALS_BEFORE = tuple(total_column(key, days_ago) for days_ago in EARLIER_DAYS for key in TOTALS)


def sum_totals_before(as_of: date) -> list[Column]:
    """Aggregates over a customer's rows of `customer_day`."""
    return [_sum_total(key, days_ago, as_of) for days_ago in EARLIER_DAYS for key in TOTALS]


def _sum_total(key: str, days_ago: int, as_of: date) -> Column:
    metric, day = BY_KEY[key], f"DATE '{as_of - timedelta(days=days_ago)}'"
    total = F.expr(f"{sql_as_of(metric, day)} FILTER (WHERE day <= {day})")
    return total.cast(METRIC_KINDS[metric.kind].spark).alias(total_column(key, days_ago))


def compute_rfm(customers: DataFrame, day: date) -> DataFrame:
    """`customer_id` of customers who have ordered by the day, and a column per metric of the stages `scores` and `earlier`."""
    scores = of_stage("scores")
    scored = add_scores(_list_totals(customers, day), scores)
    grouped = scored.withColumn(RFM_GROUP.key, F.expr(sql_as_of(RFM_GROUP, AS_OF)))
    return grouped.groupBy(CUSTOMER_ID).agg(
        *(_select_on(day, score.key).alias(score.key) for score in scores),
        *(
            _select_on(day - timedelta(days=earlier.days_ago), RFM_GROUP.key).alias(earlier.key)
            for earlier in of_stage("earlier")
        ),
    )


def _list_totals(customers: DataFrame, day: date) -> DataFrame:
    """One row per customer and day of interest: the totals of customers who had ordered by that day."""
    totals = (
        F.struct(
            F.lit(day - timedelta(days=days_ago)).alias(AS_OF),
            *(F.col(total_column(key, days_ago)).alias(key) for key in TOTALS),
        )
        for days_ago in (0, *EARLIER_DAYS)
    )
    return customers.select(CUSTOMER_ID, F.inline(F.array(*totals))).where("total_purchase > 0")


def _select_on(day: date, column: str) -> Column:
    """The value on one day. There is one row per customer and day."""
    return F.max(F.when(F.col(AS_OF) == F.lit(day), F.col(column)))
