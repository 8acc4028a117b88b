"""Moves staged rows into their table, within the transaction of a publication. The table declares which rows they replace.

Tables have no partitions: a transaction locks each partition that it touches, and a night that restates years would touch all of
them. docs/decisions/tables.md has the measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor

from cdp.mart.table import Replaced, Table

_REPLACED_ROWS: dict[Replaced, str] = {
    "restated days": "day = ANY(%(restated)s)",
    "published day": "day = %(published)s",
    "whole": "true",
}


def replace_rows(cursor: Cursor, table: Table, restated: Sequence[date], published: date) -> None:
    """If the staged rows replace every row, the staged table is renamed and no row is moved. Otherwise rows are deleted and
    inserted, and no reader waits."""
    assert table.replaced, f"{table.name} does not declare which rows to replace"
    condition, days = _REPLACED_ROWS[table.replaced], {"restated": list(restated), "published": published}
    cursor.execute(f"SELECT EXISTS (SELECT FROM {table.full_name} WHERE NOT ({condition}))", days)
    ((keeps_rows,),) = cursor.fetchall()
    if keeps_rows:
        _move_rows(cursor, table, condition, days)
    else:
        cursor.execute(f"DROP TABLE {table.full_name}; ALTER TABLE {table.next_name} RENAME TO {table.name}")


def _move_rows(cursor: Cursor, table: Table, condition: str, days: dict[str, object]) -> None:
    cursor.execute(f"DELETE FROM {table.full_name} WHERE {condition}", days)
    columns = ", ".join(table.column_names)
    cursor.execute(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM {table.next_name}")
    cursor.execute(f"DROP TABLE {table.next_name}")
