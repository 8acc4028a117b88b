"""The rows of `customer_day` and the chart tables as lines for COPY: one frame for the restated days, one for the tables as of
the published day."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.customers.cohorts import build_cohort_months
from batch.customers.rfm_tables import build_rfm_day, build_rfm_flow
from batch.days.order_days import build_hour_days, build_order_value_days
from batch.days.thing_days import TABLES as THING_TABLES
from batch.days.thing_days import build_thing_days
from batch.stores.copy import lines_of, make_line
from cdp.mart.charts import COHORT_MONTH, HOUR_DAY, ORDER_VALUE_DAY, RFM_DAY, RFM_FLOW
from cdp.mart.daily import CUSTOMER_DAY

DAY_TABLES = (CUSTOMER_DAY, *THING_TABLES, HOUR_DAY, ORDER_VALUE_DAY)
AS_OF_TABLES = (COHORT_MONTH, RFM_DAY, RFM_FLOW)


def make_day_lines(events: DataFrame, customer_day: DataFrame) -> DataFrame:
    """The rows of the restated days in DAY_TABLES."""
    things = build_thing_days(events)
    lines = [F.when(F.col("table") == table.name, make_line(table)) for table in THING_TABLES]
    return _union(
        lines_of(customer_day, CUSTOMER_DAY),
        things.select("table", F.coalesce(*lines).alias("line")),
        lines_of(build_hour_days(events), HOUR_DAY),
        lines_of(build_order_value_days(events), ORDER_VALUE_DAY),
    )


def make_as_of_lines(customers: DataFrame, customer_day: DataFrame, day: date) -> DataFrame:
    """The rows as of the published day in AS_OF_TABLES, from its snapshot and all days up to it."""
    return _union(
        lines_of(build_cohort_months(customer_day, day), COHORT_MONTH),
        lines_of(build_rfm_day(customers, day), RFM_DAY),
        lines_of(build_rfm_flow(customers, day), RFM_FLOW),
    )


def _union(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.union, frames)
