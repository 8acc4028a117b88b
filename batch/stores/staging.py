"""The night's tables in Postgres, filled beside their place by COPY.

What a night that failed has left goes first. How they take their place is in `batch/stores/replace.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from batch.stores.copy import copy_lines
from batch.stores.mart import connection_arguments
from cdp.settings import Settings
from cdp.table import SCHEMA, Table


class StagedWrong(RuntimeError):
    """Not all that Spark wrote lies in Postgres."""


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
        raise StagedWrong(
            f"{table.name} has {found:,} rows in Postgres where Spark wrote {rows:,}; nothing was published, run the same again."
        )
