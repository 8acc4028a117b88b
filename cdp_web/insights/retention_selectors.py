"""Reads of cohorts and of repeated orders, as of the published day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import connection

from cdp.lake.paths import INTERACTIONS
from cdp.mart.charts import COHORT_MONTH
from cdp_web.insights.cohorts import GAP_BOUNDS, MOST_COHORTS, MOST_ORDERS, CohortRow, FirstOrderMonth, OrderCount
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

SECONDS = 20


def cohort_months_get() -> list[CohortRow]:
    """The newest cohorts with all their months."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT cohort, month, customers, buyers, revenue FROM {COHORT_MONTH.full_name} WHERE cohort IN "
            f"(SELECT DISTINCT cohort FROM {COHORT_MONTH.full_name} ORDER BY 1 DESC LIMIT %s)",
            [MOST_COHORTS["month"]],
        )
        return [CohortRow(*row) for row in cursor.fetchall()]


def cohort_weeks_count(snapshot: Snapshot, first: date) -> list[CohortRow]:
    """The cohorts that were first seen on this Monday or later."""
    sql = f"""
        SELECT CAST(date_trunc('week', first_seen) AS DATE) AS cohort, CAST(date_trunc('week', day) AS DATE) AS start,
            count(DISTINCT {KEY}) AS customers, count(DISTINCT {KEY}) FILTER (event_type = 'purchase') AS buyers,
            sum(money) AS revenue
        FROM {INTERACTIONS} JOIN {TABLE} USING ({KEY}) WHERE first_seen >= $1 AND day >= $1 GROUP BY ALL"""
    return [CohortRow(**row) for row in snapshot.read_rows(sql, [first], SECONDS)]


def orders_count(snapshot: Snapshot) -> list[OrderCount]:
    """Customers by their number of orders; the last row has everyone with more."""
    sql = f"""
        SELECT least(total_purchase, {MOST_ORDERS}) AS orders, count(*) AS customers
        FROM {TABLE} WHERE total_purchase > 0 GROUP BY 1"""
    counts = {row["orders"]: row["customers"] for row in snapshot.read_rows(sql)}
    return [OrderCount(number, number == MOST_ORDERS, counts.get(number, 0)) for number in range(1, max(counts, default=0) + 1)]


def gaps_count(snapshot: Snapshot) -> tuple[list[int], Decimal | None]:
    """Customers for each lower bound of the mean days between orders, and the median of these means."""
    gap = "mean_days_between_orders"
    ends = (*GAP_BOUNDS[1:], None)
    counts = [
        f"count(*) FILTER ({gap} >= {least}{'' if below is None else f' AND {gap} < {below}'})"
        for least, below in zip(GAP_BOUNDS, ends, strict=True)
    ]
    *numbers, median = snapshot.read_row(f"SELECT {', '.join(counts)}, median({gap}) FROM {TABLE}")
    return [int(number) for number in numbers], None if median is None else Decimal(str(median))


def first_order_months_count(snapshot: Snapshot) -> list[FirstOrderMonth]:
    """The newest months, oldest first."""
    sql = f"""
        SELECT CAST(date_trunc('month', first_order) AS DATE) AS start, count(*) AS buyers,
            count(*) FILTER (total_purchase >= 2) AS repeaters
        FROM {TABLE} WHERE first_order IS NOT NULL GROUP BY 1 ORDER BY 1 DESC LIMIT {MOST_COHORTS["month"]}"""
    return [FirstOrderMonth(**row) for row in reversed(snapshot.read_rows(sql))]
