"""Writes the changes of a batch into the tables of the schema `shop`, within the batch's transaction. Rows go to Postgres as one
JSON text, which it takes apart faster than Python could."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from psycopg2.extensions import cursor as Cursor

from cdp.kinds import KINDS
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.mart.shop import CHANGE, MIRRORS
from cdp.mart.table import Column, Table
from streaming.shop.changes import TableChanges
from streaming.shop.values import UNCHANGED, Row

#: The key of the row of CHANGE after which all rows of a table are replaced.
WHOLE_TABLE = ""


def _define_record(columns: Iterable[Column]) -> str:
    return ", ".join(f"{column.name} {KINDS[column.kind].postgres}" for column in columns)


def _make_upsert(name: str, table: Table) -> str:
    columns = [column for column in table.columns if column.name in SHOP_LAKE_TABLES[name].columns]
    values = [_select(column) for column in columns]
    names = [column.name for column in columns]
    if "changed_at" in table.column_names:
        names, values = [*names, "changed_at"], [*values, "now()"]
    names, values = [*names, "batch"], [*values, "%s"]
    updates = ", ".join(f"{each} = excluded.{each}" for each in names)
    return f"""
        INSERT INTO {table.full_name} ({", ".join(names)}) SELECT {", ".join(values)}
        FROM json_to_recordset(%s) AS r ({_define_record(columns)}) LEFT JOIN {table.full_name} t USING ({", ".join(table.key)})
        ON CONFLICT ({", ".join(table.key)}) DO UPDATE SET {updates}"""


def _select(column: Column) -> str:
    if column.kind == "text" and not column.required:
        return f"CASE WHEN r.{column.name} = '{UNCHANGED}' THEN t.{column.name} ELSE r.{column.name} END"
    return f"r.{column.name}"


def _make_delete(table: Table) -> str:
    keys = [column for column in table.columns if column.name in table.key]
    same = " AND ".join(f"t.{name} = r.{name}" for name in table.key)
    return f"DELETE FROM {table.full_name} t USING json_to_recordset(%s) AS r ({_define_record(keys)}) WHERE {same}"


_UPSERTS = {name: _make_upsert(name, table) for name, table in MIRRORS.items()}
_DELETES = {name: _make_delete(table) for name, table in MIRRORS.items()}
_BUFFER = f"""
    INSERT INTO {CHANGE.full_name} SELECT %s, r.row_key, r.content::text, %s
    FROM json_to_recordset(%s) AS r (row_key text, content json)
    ON CONFLICT (table_name, row_key) DO UPDATE SET content = excluded.content, batch = excluded.batch"""
_READ_BUFFERED = f"""
    SELECT row_key, content FROM {CHANGE.full_name}
    WHERE table_name = %s AND row_key = ANY(%s) AND content IS NOT NULL"""


def encode(rows: Iterable[object]) -> str:
    return orjson.dumps(list(rows)).decode()


def write_rows(cursor: Cursor, changes: TableChanges, batch: int) -> None:
    """Write the rows, also those that were deleted after their last change: they may complete an event."""
    if changes.name not in MIRRORS:
        return
    if changes.emptied:
        cursor.execute(f"DELETE FROM {MIRRORS[changes.name].full_name}")
    if changes.rows:
        cursor.execute(_UPSERTS[changes.name], [batch, encode(changes.rows.values())])


def delete_rows(cursor: Cursor, changes: TableChanges) -> None:
    if changes.name in MIRRORS and changes.deleted:
        cursor.execute(_DELETES[changes.name], [encode(changes.deleted.values())])


def buffer_changes(cursor: Cursor, changes: TableChanges, batch: int) -> None:
    """Keep the latest change of each row for the table on HDFS."""
    if changes.emptied:
        replace_whole_table(cursor, changes.name, batch, batch)
    rows = _complete(cursor, changes)
    contents = [{"row_key": key, "content": None if key in changes.deleted else row} for key, row in rows.items()]
    contents += [{"row_key": key, "content": None} for key in changes.deleted.keys() - rows.keys()]
    if contents:
        cursor.execute(_BUFFER, [changes.name, batch, encode(contents)])


def _complete(cursor: Cursor, changes: TableChanges) -> dict[str, Row]:
    """The rows; a value that did not change is that of the buffered row, if there is one."""
    partial = [key for key, row in changes.rows.items() if UNCHANGED in row.values()]
    if not partial:
        return changes.rows
    cursor.execute(_READ_BUFFERED, [changes.name, partial])
    buffered = {key: orjson.loads(content) for key, content in cursor.fetchall()}
    completed = {
        key: {name: before.get(name, value) if value == UNCHANGED else value for name, value in changes.rows[key].items()}
        for key, before in buffered.items()
    }
    return changes.rows | completed


def drop_rows_before(cursor: Cursor, name: str, first_batch: int, batch: int) -> None:
    """All rows of the table have come since the first batch, so rows that are older are no longer in the shop."""
    if name in MIRRORS:
        cursor.execute(f"DELETE FROM {MIRRORS[name].full_name} WHERE batch < %s", [first_batch])
    replace_whole_table(cursor, name, first_batch, batch)


def replace_whole_table(cursor: Cursor, name: str, first_batch: int, batch: int) -> None:
    """Let the next merge replace the table on HDFS by the changes since the first batch."""
    cursor.execute(f"DELETE FROM {CHANGE.full_name} WHERE table_name = %s AND batch < %s", [name, first_batch])
    cursor.execute(_BUFFER, [name, batch, encode([{"row_key": WHOLE_TABLE, "content": {}}])])
