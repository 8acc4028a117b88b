"""Compares the sums of the staged tables with the shop's numbers. Each table declares its sums (cdp/mart/daily.py and
cdp/mart/charts.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from batch.stores.mart import sum_numbers_before
from batch.stores.publish import DailyNumbers
from cdp.mart.daily import KPI_DAY
from cdp.mart.table import Table

#: Column of KPI_DAY -> number.
Numbers = Mapping[str, Any]


def find_disagreements(connection: Connection, staged: Sequence[Table], numbers: DailyNumbers, day: date) -> list[str]:
    """One sentence per disagreement. Tables of restated days are compared day by day, the others with the sum of all days up to
    this one."""
    by_day, zeros = numbers.by_day(), dict.fromkeys(KPI_DAY.column_names, 0)
    # A restated day whose events were all removed has no numbers.
    restated = {each: by_day.get(each, zeros) for each in numbers.days}
    sentences: list[str] = []
    with connection, connection.cursor() as cursor:
        totals = _sum_totals(cursor, restated, day)
        for table in staged:
            if table.replaced == "restated days":
                sentences += _compare_days(cursor, table, restated)
            elif table.agrees:
                sentences += _compare_totals(cursor, table, totals)
    return sentences


def _compare_days(cursor: Cursor, table: Table, kpis: Mapping[date, Numbers]) -> Iterator[str]:
    within = table.agrees_within or "''"
    cursor.execute(f"SELECT day, {within}, {_list_aggregates(table)} FROM {table.next_name} GROUP BY 1, 2 ORDER BY 1, 2")
    sums = {(day, part): values for day, part, *values in cursor.fetchall()}
    for day in sorted(kpis.keys() - {day for day, _ in sums}):
        yield from _find_differences(table, f" on {day}", [0] * len(table.agrees), kpis[day])
    for (day, part), values in sums.items():
        yield from _find_differences(table, f" on {day}{f' at {within} {part}' if part else ''}", values, kpis.get(day, {}))


def _compare_totals(cursor: Cursor, table: Table, totals: Numbers) -> Iterator[str]:
    cursor.execute(f"SELECT {_list_aggregates(table)} FROM {table.next_name}")
    yield from _find_differences(table, "", cursor.fetchall()[0], totals)


def _sum_totals(cursor: Cursor, restated: Mapping[date, Numbers], day: date) -> Numbers:
    """Sums over the published days and those about to be published."""
    before = sum_numbers_before(cursor, day, restated.keys())
    new = [numbers for each, numbers in restated.items() if each <= day]
    return {column: value + sum(numbers[column] for numbers in new) for column, value in before.items()}


def _list_aggregates(table: Table) -> str:
    return ", ".join(f"coalesce({aggregate}, 0)" for _, aggregate in table.agrees)


def _find_differences(table: Table, where: str, sums: Sequence[Any], expected: Numbers) -> Iterator[str]:
    for (column, _), value in zip(table.agrees, sums, strict=True):
        if value != expected.get(column, 0):
            yield f"{table.name}{where} holds {value:,} {column}, kpi_day {expected.get(column, 0):,}"
