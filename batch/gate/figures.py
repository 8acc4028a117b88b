"""Gathers the figures that the gate judges, from Postgres, the Delta logs, and one DuckDB query over the snapshot.

Spark is not used: its own results are passed in, and a different reader checks what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
from deltalake import DeltaTable
from psycopg2.extensions import connection as Connection

from batch.gate.agreement import find_disagreements
from batch.gate.checks import Figures, RestatedDay, ShopTotals
from batch.gate.ledger import read_stream_figures
from batch.hdfs.changes import list_event_files
from batch.stores.publish import DailyNumbers
from cdp.lake.paths import CUSTOMERS, table_url
from cdp.mart.charts import HOUR_DAY
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp.mart.table import Table
from cdp.settings import Settings

#: Columns of the snapshot that must have a value for every customer.
REQUIRED = ("customer_id", "first_seen", "last_seen", "active_days", "total_purchase", "total_purchase_value", "lifecycle")


@dataclass(frozen=True, slots=True)
class EventSums:
    """One restated day as Spark read it, without copies."""

    day: date
    events: int
    money: Decimal
    lacking: int


@dataclass(frozen=True, slots=True)
class ShopDay:
    """The shop's numbers of one day, as far as the checks need them. `customers` are the new ones."""

    events: int
    customers: int
    orders: int
    money: Decimal


@dataclass(frozen=True, slots=True)
class NightWork:
    """What a night is about to publish."""

    day: date
    events_version: int
    customers_version: int
    numbers: DailyNumbers
    staged_tables: Sequence[Table]  # in their staging tables in Postgres
    sums: Sequence[EventSums]
    copies: int


@dataclass(frozen=True, slots=True)
class StagedDay:
    """One day of customer_day in its staging table in Postgres."""

    rows: int = 0
    customers: int = 0
    money: Decimal = Decimal(0)
    lacking: int = 0


def gather_figures(
    connection: Connection, settings: Settings, work: NightWork, record_compactions: Callable[[], object]
) -> Figures:
    """`record_compactions` records the compactions that a killed night did not record."""
    staged = _read_staged_days(connection) if work.numbers.days else {}
    kpis = work.numbers.by_day()
    files = list_event_files(settings, work.events_version)
    rows, snapshot, missing = _read_snapshot(settings, work.customers_version)
    days = _read_days(connection, work, kpis)
    return Figures(
        day=work.day,
        restated_days=_compare_days(work, staged, kpis),
        rows_read=sum(map(files.count_rows, work.numbers.days)),
        copies=work.copies,
        snapshot_rows=rows,
        snapshot=snapshot,
        history=_sum_days(days.values()),
        missing=missing
        | {
            "customer, time or product of an event": sum(day.lacking for day in work.sums),
            "value of the smallest and largest order": sum(day.lacking for day in staged.values()),
        },
        disagreements=find_disagreements(connection, work.staged_tables, work.numbers, work.day),
        volumes={day: numbers.events for day, numbers in days.items()},
        quiet=_read_quiet_hours(connection, work.day),
        stream=read_stream_figures(connection, settings, files, record_compactions),
    )


def _compare_days(work: NightWork, staged: Mapping[date, StagedDay], kpis: Mapping[date, Mapping[str, Any]]) -> list[RestatedDay]:
    sums, none = {day.day: day for day in work.sums}, {"events": 0, "customers": 0, "revenue": Decimal(0)}
    restated = []
    for day in work.numbers.days:
        read, stored, kpi = sums.get(day), staged.get(day, StagedDay()), kpis.get(day, none)
        events, money = (read.events, read.money) if read else (0, Decimal(0))
        counts = (kpi["events"], kpi["customers"], kpi["revenue"])
        restated.append(RestatedDay(day, events, money, stored.rows, stored.customers, stored.money, *counts))
    return restated


def _read_staged_days(connection: Connection) -> dict[date, StagedDay]:
    lacking = "(orders > 0) <> (min_order_value IS NOT NULL AND max_order_value IS NOT NULL)"
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, sum(rows)::bigint, count(*), sum(money), sum(lacking)::bigint FROM ("
            f" SELECT day, count(*) AS rows, sum(revenue) AS money, count(*) FILTER (WHERE {lacking}) AS lacking"
            f" FROM {CUSTOMER_DAY.next_name} GROUP BY day, customer_id) customers GROUP BY day"
        )
        return {day: StagedDay(*values) for day, *values in cursor.fetchall()}


def _read_days(connection: Connection, work: NightWork, kpis: Mapping[date, Mapping[str, Any]]) -> dict[date, ShopDay]:
    """kpi_day up to the day, as it will be after the publication."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, events, new_customers, orders, revenue FROM {KPI_DAY.full_name} WHERE day <= %s", [work.day])
        days = {day: ShopDay(*values) for day, *values in cursor.fetchall() if day not in work.numbers.days}
    for day, row in kpis.items():
        if day <= work.day:
            days[day] = ShopDay(row["events"], row["new_customers"], row["orders"], row["revenue"])
    if work.numbers.days:
        days = {day: replace(numbers, customers=work.numbers.newcomers.get(day, 0)) for day, numbers in days.items()}
    return days


def _read_quiet_hours(connection: Connection, before: date) -> dict[date, int]:
    """For each published day, the number of hours after its last hour with an event."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, 23 - max(hour) FROM {HOUR_DAY.full_name} WHERE day < %s GROUP BY day", [before])
        return dict(cursor.fetchall())


def _sum_days(days: Collection[ShopDay]) -> ShopTotals:
    return ShopTotals(
        sum(day.customers for day in days), sum(day.orders for day in days), sum((day.money for day in days), Decimal(0))
    )


def read_snapshot_totals(settings: Settings, version: int) -> ShopTotals:
    """The totals of the customers in one version of the snapshot."""
    _, totals, _ = _read_snapshot(settings, version)
    return totals


def _read_snapshot(settings: Settings, version: int) -> tuple[int, ShopTotals, dict[str, int]]:
    """Rows, totals over the distinct customers, and missing values."""
    lacking = ", ".join(f"count(*) - count({name})" for name in REQUIRED)
    columns = "count(*), count(DISTINCT customer_id), sum(total_purchase), sum(total_purchase_value)"
    table = DeltaTable(table_url(settings, CUSTOMERS), version=version)
    with duckdb.connect() as duck:
        duck.execute("SET enable_progress_bar = false")  # it would mix with the night's output
        duck.register("snapshot", table.to_pyarrow_dataset())
        row = duck.execute(f"SELECT {columns}, {lacking} FROM snapshot").fetchone()
    assert row is not None, "an aggregate has a row"
    rows, customers, orders, money, *missing = row
    totals = ShopTotals(customers, int(orders or 0), Decimal(money or 0))
    return rows, totals, {f"{name} of the snapshot": count for name, count in zip(REQUIRED, missing, strict=True)}
