"""The night's tables in Postgres, filled beside their place and held against the shop's numbers before any reader sees them.

What a night that failed has left goes first. How they take their place is in `batch/replace.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from batch.copy import copy_lines
from batch.mart import connection_arguments
from cdp.settings import Settings
from cdp.table import SCHEMA, Table

#: Column of KPI_DAY -> its number.
Numbers = Mapping[str, Any]


class StagedWrong(RuntimeError):
    """What lies in Postgres is not what Spark computed."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Where the tables of one publication are filled."""

    connection: Connection
    settings: Settings
    publication: int

    def fill(self, tables: Sequence[Table], lines: DataFrame, days: Collection[date] = ()) -> int:
        """The tables beside their place, of these days where they are partitioned; how many rows they have together."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(";".join(statement for table in tables for statement in self._creations(table, days)))
        copied = copy_lines(lines, tables, connection_arguments(self.settings))
        with self.connection, self.connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ANALYZE {table.next_name}")
                require_rows(cursor, table, copied[table.name])
        return copied.total()

    def _creations(self, table: Table, days: Collection[date]) -> list[str]:
        """Partitions of a table go with it."""
        parted = " PARTITION BY LIST (day)" if table.partitioned_by_day else ""
        statements = [
            f"DROP TABLE IF EXISTS {table.next_name}",
            f"CREATE TABLE {table.next_name} (LIKE {table.full_name} INCLUDING ALL){parted}",
        ]
        for day in days if table.partitioned_by_day else ():
            name = partition_name(table, day, self.publication)
            statements.append(f"CREATE TABLE {name} PARTITION OF {table.next_name} FOR VALUES IN ('{day}')")
        return statements


def partition_name(table: Table, day: date, publication: int) -> str:
    """A partition is made for one publication and never changed after it."""
    return f"{SCHEMA}.{table.name}_{day:%Y%m%d}_{publication}"


def require_rows(cursor: Cursor, table: Table, rows: int) -> None:
    cursor.execute(f"SELECT count(*) FROM {table.next_name}")
    ((found,),) = cursor.fetchall()
    if found != rows:
        raise _wrong(table, "", "rows", found, rows)


def require_days(cursor: Cursor, table: Table, kpis: Mapping[date, Numbers]) -> None:
    """Each day of the table adds up to that day of the shop."""
    within = table.agrees_within or "''"
    cursor.execute(f"SELECT day, {within}, {_aggregates(table)} FROM {table.next_name} GROUP BY 1, 2 ORDER BY 1, 2")
    found = {(day, part): values for day, part, *values in cursor.fetchall()}
    for day in kpis.keys() - {day for day, _ in found}:
        _require_equal(table, f" on {day}", [0] * len(table.agrees), kpis[day])
    for (day, part), values in found.items():
        _require_equal(table, f" on {day}{f' at {within} {part}' if part else ''}", values, kpis.get(day, {}))


def require_total(cursor: Cursor, table: Table, numbers: Numbers) -> None:
    """The table as a whole adds up to all days of the shop."""
    if table.agrees:
        cursor.execute(f"SELECT {_aggregates(table)} FROM {table.next_name}")
        _require_equal(table, "", cursor.fetchall()[0], numbers)


def _aggregates(table: Table) -> str:
    return ", ".join(f"coalesce({aggregate}, 0)" for _, aggregate in table.agrees)


def _require_equal(table: Table, where: str, found: Sequence[Any], wanted: Numbers) -> None:
    for (column, _), value in zip(table.agrees, found, strict=True):
        if value != wanted.get(column, 0):
            raise _wrong(table, where, column, value, wanted.get(column, 0))


def _wrong(table: Table, where: str, what: str, found: Any, wanted: Any) -> StagedWrong:
    return StagedWrong(
        f"{table.name}{where} holds {found} {what} in Postgres where Spark computed {wanted};"
        " nothing was published, run the same again."
    )
