"""Fills staging tables in Postgres by COPY. Leftovers of a failed night are dropped first.

`batch/stores/replace.py` moves the staged rows into their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from batch.stores.copy import copy_lines
from batch.stores.mart import connection_arguments
from cdp.mart.table import Table
from cdp.settings import Settings


class StagingIncomplete(RuntimeError):
    """Postgres does not have all rows that Spark wrote."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Fills the staging tables of one night."""

    connection: Connection
    settings: Settings

    def fill(self, tables: Sequence[Table], lines: DataFrame) -> int:
        """Fill the staging tables of `tables`. Returns the number of rows in all of them."""
        with self.connection, self.connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"DROP TABLE IF EXISTS {table.next_name}")
                cursor.execute(f"CREATE TABLE {table.next_name} (LIKE {table.full_name} INCLUDING ALL)")
        copied = copy_lines(lines, tables, connection_arguments(self.settings))
        with self.connection, self.connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ANALYZE {table.next_name}")
                require_rows(cursor, table, copied[table.name])
        return copied.total()


def require_rows(cursor: Cursor, table: Table, rows: int) -> None:
    cursor.execute(f"SELECT count(*) FROM {table.next_name}")
    ((count,),) = cursor.fetchall()
    if count != rows:
        raise StagingIncomplete(
            f"Spark wrote {rows:,} rows of {table.name}, Postgres has {count:,}; nothing was published, run the command again."
        )
