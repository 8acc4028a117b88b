"""The tables of the charts filled beside their place and checked, together with the customers' days: one job of Spark for
those of the restated days, one for those as of the published day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.cohorts import cohort_month
from batch.copy import line, lines_of
from batch.mart import numbers_before
from batch.order_days import hour_day, order_value_day
from batch.rfm_tables import rfm_day, rfm_flow
from batch.staging import Numbers, Staging, require_days, require_total
from batch.thing_days import TABLES as THING_TABLES
from batch.thing_days import thing_days
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


def fill_days(staging: Staging, lines: DataFrame, days: Collection[date], kpis: Mapping[date, Numbers]) -> int:
    """The tables of the restated days, each held against the shop's numbers; how many rows they have."""
    rows = staging.fill(OF_DAYS, lines, days)
    with staging.connection, staging.connection.cursor() as cursor:
        for table in OF_DAYS:
            require_days(cursor, table, kpis)
    return rows


def fill_as_of(staging: Staging, lines: DataFrame, day: date, restated: Mapping[date, Numbers]) -> int:
    """The tables as of the day, held against all the days up to it: those that are published, and those that will be."""
    rows = staging.fill(AS_OF, lines)
    with staging.connection, staging.connection.cursor() as cursor:
        totals = _sum(numbers_before(cursor, day, restated.keys()), *(restated[each] for each in restated if each <= day))
        for table in AS_OF:
            require_total(cursor, table, totals)
    return rows


def _sum(*numbers: Numbers) -> Numbers:
    return {column: sum(each[column] for each in numbers) for column in numbers[0]}


def _together(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.union, frames)
