"""Whether the tables that were filled beside their place add up to the shop's numbers, as cdp/warehouse.py declares of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from batch.stores.mart import numbers_before
from batch.stores.publish import DailyNumbers
from cdp.table import Table
from cdp.warehouse import KPI_DAY

#: Column of KPI_DAY -> its number.
Numbers = Mapping[str, Any]


def disagreements(connection: Connection, staged: Sequence[Table], numbers: DailyNumbers, day: date) -> list[str]:
    """A sentence each. The tables of restated days are held against each of them, the others against all days up to this one."""
    restated, nothing = numbers.by_day(), dict.fromkeys(KPI_DAY.column_names, 0)
    # A day of which every event was removed is restated and has no numbers.
    restated = {each: restated.get(each, nothing) for each in numbers.days}
    found: list[str] = []
    with connection, connection.cursor() as cursor:
        totals = _totals(cursor, restated, day)
        for table in staged:
            if table.replaced == "restated days":
                found += _of_days(cursor, table, restated)
            elif table.agrees:
                found += _as_of(cursor, table, totals)
    return found


def _of_days(cursor: Cursor, table: Table, kpis: Mapping[date, Numbers]) -> Iterator[str]:
    within = table.agrees_within or "''"
    cursor.execute(f"SELECT day, {within}, {_aggregates(table)} FROM {table.next_name} GROUP BY 1, 2 ORDER BY 1, 2")
    found = {(day, part): values for day, part, *values in cursor.fetchall()}
    for day in sorted(kpis.keys() - {day for day, _ in found}):
        yield from _differences(table, f" on {day}", [0] * len(table.agrees), kpis[day])
    for (day, part), values in found.items():
        yield from _differences(table, f" on {day}{f' at {within} {part}' if part else ''}", values, kpis.get(day, {}))


def _as_of(cursor: Cursor, table: Table, totals: Numbers) -> Iterator[str]:
    cursor.execute(f"SELECT {_aggregates(table)} FROM {table.next_name}")
    yield from _differences(table, "", cursor.fetchall()[0], totals)


def _totals(cursor: Cursor, restated: Mapping[date, Numbers], day: date) -> Numbers:
    """Of the days that are published, and those that will be."""
    before = numbers_before(cursor, day, restated.keys())
    fresh = [numbers for each, numbers in restated.items() if each <= day]
    return {column: value + sum(numbers[column] for numbers in fresh) for column, value in before.items()}


def _aggregates(table: Table) -> str:
    return ", ".join(f"coalesce({aggregate}, 0)" for _, aggregate in table.agrees)


def _differences(table: Table, where: str, found: Sequence[Any], wanted: Numbers) -> Iterator[str]:
    for (column, _), value in zip(table.agrees, found, strict=True):
        if value != wanted.get(column, 0):
            yield f"{table.name}{where} holds {value:,} {column}, kpi_day {wanted.get(column, 0):,}"
