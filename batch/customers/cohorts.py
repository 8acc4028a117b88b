"""Customers by the month of their first event, and what they did in each month since."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def build_cohort_months(customer_day: DataFrame, as_of: date) -> DataFrame:
    """The columns of COHORT_MONTH, from the daily rows up to `as_of`. One shuffle, by customer."""
    rows_up_to_day = customer_day.where(F.col("day") <= F.lit(as_of)).select("customer_id", "day", "orders", "revenue")
    months = (
        rows_up_to_day.repartition("customer_id")
        .groupBy("customer_id", F.trunc("day", "month").alias("month"))
        .agg(F.sum("orders").alias("orders"), F.sum("revenue").alias("revenue"))
    )
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .groupBy("cohort", "month")
        .agg(
            F.count("*").alias("customers"),
            F.count_if(F.col("orders") > 0).alias("buyers"),
            F.sum("orders").alias("orders"),
            F.sum("revenue").alias("revenue"),
        )
    )
