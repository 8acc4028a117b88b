"""What was filled beside a table takes its place, as the table's declaration says: within the transaction of a publication.

No table has partitions: a transaction locks each partition that it touches, and a night that restates years would touch all of
them. docs/decisions/tables.md has the measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor

from cdp.table import Replaced, Table

_REPLACED_ROWS: dict[Replaced, str] = {
    "restated days": "day = ANY(%(restated)s)",
    "published day": "day = %(published)s",
    "whole": "true",
}


def replace_rows(cursor: Cursor, table: Table, restated: Sequence[date], published: date) -> None:
    """Put the rows that were filled beside the table into it. Where they replace every row, the tables change places and no row
    moves; else rows are deleted and inserted, and no reader waits."""
    assert table.replaced, f"{table.name} is not declared to be replaced"
    which, days = _REPLACED_ROWS[table.replaced], {"restated": list(restated), "published": published}
    cursor.execute(f"SELECT EXISTS (SELECT FROM {table.full_name} WHERE NOT ({which}))", days)
    ((keeps_rows,),) = cursor.fetchall()
    if keeps_rows:
        _move_rows(cursor, table, which, days)
    else:
        cursor.execute(f"DROP TABLE {table.full_name}; ALTER TABLE {table.next_name} RENAME TO {table.name}")


def _move_rows(cursor: Cursor, table: Table, which: str, days: dict[str, object]) -> None:
    cursor.execute(f"DELETE FROM {table.full_name} WHERE {which}", days)
    columns = ", ".join(table.column_names)
    cursor.execute(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM {table.next_name}")
    cursor.execute(f"DROP TABLE {table.next_name}")
