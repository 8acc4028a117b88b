"""The rows of the charts' tables as lines for COPY, together with the customers' days: one frame for those of the restated
days, one for those as of the published day."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.customers.cohorts import cohort_month
from batch.customers.rfm_tables import rfm_day, rfm_flow
from batch.days.order_days import hour_day, order_value_day
from batch.days.thing_days import TABLES as THING_TABLES
from batch.days.thing_days import thing_days
from batch.stores.copy import line, lines_of
from cdp.chart_tables import COHORT_MONTH, HOUR_DAY, ORDER_VALUE_DAY, RFM_DAY, RFM_FLOW
from cdp.warehouse import CUSTOMER_DAY

OF_DAYS = (CUSTOMER_DAY, *THING_TABLES, HOUR_DAY, ORDER_VALUE_DAY)
AS_OF = (COHORT_MONTH, RFM_DAY, RFM_FLOW)


def day_lines(events: DataFrame, customer_day: DataFrame) -> DataFrame:
    """The rows of the restated days of every table, from their events and the customers' days."""
    things = thing_days(events)
    of_table = [F.when(F.col("table") == table.name, line(table)) for table in THING_TABLES]
    return _together(
        lines_of(customer_day, CUSTOMER_DAY),
        things.select("table", F.coalesce(*of_table).alias("line")),
        lines_of(hour_day(events), HOUR_DAY),
        lines_of(order_value_day(events), ORDER_VALUE_DAY),
    )


def as_of_lines(customers: DataFrame, customer_day: DataFrame, day: date) -> DataFrame:
    """The rows as of the published day, from its snapshot and all days up to it."""
    return _together(
        lines_of(cohort_month(customer_day, day), COHORT_MONTH),
        lines_of(rfm_day(customers, day), RFM_DAY),
        lines_of(rfm_flow(customers, day), RFM_FLOW),
    )


def _together(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.union, frames)
