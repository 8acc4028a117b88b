"""The shop's numbers per day. Orders, money and sessions are sums over the customers' rows, so the tables agree."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.events import COUNTS
from cdp.kinds import KINDS
from cdp.mart.daily import KPI_DAY

NEW = "new_customers"
_SUMS = ("sessions", *COUNTS.values(), "orders", "items", "gross_revenue", "revenue")


def build_kpi_days(events: DataFrame, customer_day: DataFrame) -> DataFrame:
    """The columns of KPI_DAY except new customers, for the days of `events`."""
    joined = _count_sessions(events).join(_sum_customers(customer_day), "day")
    columns = [F.col(column.name).cast(KINDS[column.kind].spark) for column in KPI_DAY.columns if column.name != NEW]
    return joined.select(*columns)


def _count_sessions(events: DataFrame) -> DataFrame:
    """Events, and sessions per funnel step. A customer's events without a session count as one session. A session that has
    only refunds is in no step."""
    sessions = events.groupBy("day", "customer_id", "user_session").agg(
        F.count("*").alias("events"), _any("view").alias("view"), _any("cart").alias("cart"), _any("purchase").alias("purchase")
    )
    return sessions.groupBy("day").agg(
        F.sum("events").alias("events"),
        F.count_if("view").alias("sessions_with_view"),
        F.count_if(F.col("view") & F.col("cart")).alias("sessions_with_cart"),
        F.count_if("purchase").alias("sessions_with_purchase"),
    )


def _sum_customers(customer_day: DataFrame) -> DataFrame:
    sums = [F.sum(name).alias(name) for name in _SUMS]
    buyers = F.count_if(F.col("orders") > 0).alias("buyers")
    return customer_day.groupBy("day").agg(F.count("*").alias("customers"), buyers, *sums)


def _any(event_type: str) -> Column:
    return F.bool_or(F.col("event_type") == event_type)
