"""The night's tables in Postgres, filled beside their place by COPY.

What a night that failed has left goes first. How they take their place is in `batch/stores/replace.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from batch.stores.copy import copy_lines
from batch.stores.mart import connection_arguments
from cdp.settings import Settings
from cdp.table import Table


class StagedWrong(RuntimeError):
    """Not all that Spark wrote lies in Postgres."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Fills tables beside their place."""

    connection: Connection
    settings: Settings

    def fill(self, tables: Sequence[Table], lines: DataFrame) -> int:
        """The number of rows that all of them have together."""
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
    ((found,),) = cursor.fetchall()
    if found != rows:
        raise StagedWrong(
            f"{table.name} has {found:,} rows in Postgres where Spark wrote {rows:,}; nothing was published, run the same again."
        )
