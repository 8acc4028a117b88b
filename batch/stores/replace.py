"""What was filled beside a table takes its place, as the table's declaration says: within the transaction of a publication."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor

from batch.stores.staging import partition_name
from cdp.table import Replaced, Table

_REPLACED_ROWS: dict[Replaced, str] = {
    "restated days": " WHERE day = ANY(%(restated)s)",
    "published day": " WHERE day = %(published)s",
    "whole": "",
}


def replace_rows(cursor: Cursor, table: Table, restated: Sequence[date], published: date) -> None:
    """By deleting and inserting: readers of before keep seeing what they saw, and nobody waits."""
    assert table.replaced, f"{table.name} is not declared to be replaced"
    where = _REPLACED_ROWS[table.replaced]
    cursor.execute(f"DELETE FROM {table.full_name}{where}", {"restated": list(restated), "published": published})
    columns = ", ".join(table.column_names)
    cursor.execute(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM {table.next_name}")
    cursor.execute(f"DROP TABLE {table.next_name}")


def swap_partitions(cursor: Cursor, table: Table, days: Sequence[date], publication: int) -> None:
    """For large tables: no row moves, but readers wait for the end of the transaction."""
    parent = table.full_name
    cursor.execute(f"LOCK TABLE {parent} IN ACCESS EXCLUSIVE MODE")
    serving = _partitions(cursor, table)
    statements = [f"DROP TABLE {serving[day]}" for day in days if day in serving]
    for day in days:
        fresh = partition_name(table, day, publication)
        statements.append(f"ALTER TABLE {table.next_name} DETACH PARTITION {fresh}")
        statements.append(f"ALTER TABLE {parent} ATTACH PARTITION {fresh} FOR VALUES IN ('{day}')")
    cursor.execute(";".join([*statements, f"DROP TABLE {table.next_name}"]))


def _partitions(cursor: Cursor, table: Table) -> dict[date, str]:
    """Day -> the partition that holds it."""
    cursor.execute(
        "SELECT c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid)"
        " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        [table.full_name],
    )
    bounds = ((name, re.search(r"'(\d{4}-\d{2}-\d{2})'", bound)) for name, bound in cursor.fetchall())
    return {date.fromisoformat(found[1]): name for name, found in bounds if found}
