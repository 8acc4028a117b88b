"""Gathers the figures that the gate judges: a few questions to Postgres, the logs of Delta, and one to DuckDB over the snapshot.

Spark is not asked: what it computed is at hand, and another reader sees what it wrote.
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

from batch.gate.agreement import disagreements
from batch.gate.checks import Figures, RestatedDay, Totals
from batch.gate.ledger import stream_figures
from batch.hdfs.changes import event_files
from batch.stores.publish import DailyNumbers
from cdp.chart_tables import HOUR_DAY
from cdp.paths import CUSTOMERS, table_url
from cdp.settings import Settings
from cdp.table import Table
from cdp.warehouse import CUSTOMER_DAY, KPI_DAY

#: Columns of the snapshot that every customer has.
FILLED = ("customer_id", "first_seen", "last_seen", "active_days", "total_purchase", "total_purchase_value", "lifecycle")


@dataclass(frozen=True, slots=True)
class EventSums:
    """One restated day as Spark read it, each event once."""

    day: date
    events: int
    money: Decimal
    lacking: int


@dataclass(frozen=True, slots=True)
class Day:
    """What the shop did on one day, as far as the checks ask; the customers are those that were new."""

    events: int
    customers: int
    orders: int
    money: Decimal


@dataclass(frozen=True, slots=True)
class Work:
    """What a night is about to publish."""

    day: date
    events_version: int
    customers_version: int
    numbers: DailyNumbers
    staged: Sequence[Table]  # beside their place in Postgres
    sums: Sequence[EventSums]
    copies: int


@dataclass(frozen=True, slots=True)
class Staged:
    """One day of customer_day beside its place in Postgres."""

    rows: int = 0
    customers: int = 0
    money: Decimal = Decimal(0)
    lacking: int = 0


def gathered(connection: Connection, settings: Settings, work: Work, write_down: Callable[[], object]) -> Figures:
    """`write_down` puts compactions into their book that a killed night has left out."""
    staged = _staged(connection) if work.numbers.days else {}
    kpis = work.numbers.by_day()
    files = event_files(settings, work.events_version)
    rows, snapshot, missing = _snapshot(settings, work.customers_version)
    days = _days(connection, work, kpis)
    return Figures(
        day=work.day,
        restated=_restated(work, staged, kpis),
        read=sum(map(files.rows, work.numbers.days)),
        copies=work.copies,
        snapshot_rows=rows,
        snapshot=snapshot,
        history=_history(days.values()),
        missing=missing
        | {
            "customer, time or product of an event": sum(day.lacking for day in work.sums),
            "value of the smallest and largest order": sum(day.lacking for day in staged.values()),
        },
        disagreements=disagreements(connection, work.staged, work.numbers, work.day),
        volumes={day: found.events for day, found in days.items()},
        quiet=_quiet(connection, work.day),
        stream=stream_figures(connection, settings, files, write_down),
    )


def _restated(work: Work, staged: Mapping[date, Staged], kpis: Mapping[date, Mapping[str, Any]]) -> list[RestatedDay]:
    sums, none = {day.day: day for day in work.sums}, {"events": 0, "customers": 0, "revenue": Decimal(0)}
    found = []
    for day in work.numbers.days:
        read, stored, kpi = sums.get(day), staged.get(day, Staged()), kpis.get(day, none)
        events, money = (read.events, read.money) if read else (0, Decimal(0))
        counted = (kpi["events"], kpi["customers"], kpi["revenue"])
        found.append(RestatedDay(day, events, money, stored.rows, stored.customers, stored.money, *counted))
    return found


def _staged(connection: Connection) -> dict[date, Staged]:
    lacking = "(orders > 0) <> (min_order_value IS NOT NULL AND max_order_value IS NOT NULL)"
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, sum(rows)::bigint, count(*), sum(money), sum(lacking)::bigint FROM ("
            f" SELECT day, count(*) AS rows, sum(revenue) AS money, count(*) FILTER (WHERE {lacking}) AS lacking"
            f" FROM {CUSTOMER_DAY.next_name} GROUP BY day, customer_id) customers GROUP BY day"
        )
        return {day: Staged(*found) for day, *found in cursor.fetchall()}


def _days(connection: Connection, work: Work, kpis: Mapping[date, Mapping[str, Any]]) -> dict[date, Day]:
    """kpi_day as it will be after the publication, up to the day."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, events, new_customers, orders, revenue FROM {KPI_DAY.full_name} WHERE day <= %s", [work.day])
        days = {day: Day(*found) for day, *found in cursor.fetchall() if day not in work.numbers.days}
    for day, row in kpis.items():
        if day <= work.day:
            days[day] = Day(row["events"], row["new_customers"], row["orders"], row["revenue"])
    if work.numbers.days:
        days = {day: replace(found, customers=work.numbers.newcomers.get(day, 0)) for day, found in days.items()}
    return days


def _quiet(connection: Connection, before: date) -> dict[date, int]:
    """Hours after the last with an event, of the days that are published."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, 23 - max(hour) FROM {HOUR_DAY.full_name} WHERE day < %s GROUP BY day", [before])
        return dict(cursor.fetchall())


def _history(days: Collection[Day]) -> Totals:
    return Totals(
        sum(day.customers for day in days), sum(day.orders for day in days), sum((day.money for day in days), Decimal(0))
    )


def snapshot_totals(settings: Settings, version: int) -> Totals:
    """Of the customers of one version of the snapshot."""
    _, totals, _ = _snapshot(settings, version)
    return totals


def _snapshot(settings: Settings, version: int) -> tuple[int, Totals, dict[str, int]]:
    """Rows, totals over its distinct customers, and what is missing in it."""
    lacking = ", ".join(f"count(*) - count({name})" for name in FILLED)
    wanted = "count(*), count(DISTINCT customer_id), sum(total_purchase), sum(total_purchase_value)"
    table = DeltaTable(table_url(settings, CUSTOMERS), version=version)
    with duckdb.connect() as duck:
        duck.execute("SET enable_progress_bar = false")  # it would stand among what the night prints
        duck.register("snapshot", table.to_pyarrow_dataset())
        found = duck.execute(f"SELECT {wanted}, {lacking} FROM snapshot").fetchone()
    assert found is not None, "an aggregate has a row"
    rows, customers, orders, money, *missing = found
    totals = Totals(customers, int(orders or 0), Decimal(money or 0))
    return rows, totals, {f"{name} of the snapshot": count for name, count in zip(FILLED, missing, strict=True)}
