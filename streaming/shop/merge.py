"""Merges changes into one Delta table, without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType

from cdp.kinds import MONEY_SCALE, PRICE, PRICE_DIGITS
from cdp.lake.paths import table_url
from cdp.lake.tables import LakeTable
from cdp.settings import Settings
from streaming.shop.rows import WHOLE_TABLE
from streaming.shop.values import UNCHANGED, Row

#: A merge adds files. From so many on, they are rewritten as one.
MOST_FILES = 40
_DELETED = "__deleted"
_ARROW = {
    "string": pa.string(), "int": pa.int32(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us", "UTC"),
    PRICE: pa.decimal128(PRICE_DIGITS, MONEY_SCALE),
}  # fmt: skip


def merge_changes(settings: Settings, table: LakeTable, contents: Mapping[str, str | None]) -> None:
    """Merge the latest contents of rows by their keys; None deletes a row. With the key WHOLE_TABLE they replace all rows."""
    delta = DeltaTable(table_url(settings, table.name))
    rows = [
        orjson.loads(content) | {_DELETED: False} if content is not None else _name_columns(table, key) | {_DELETED: True}
        for key, content in contents.items()
        if key != WHOLE_TABLE
    ]
    columns = _add_columns(delta, table, rows)
    if WHOLE_TABLE in contents:
        kept = [row for row in rows if not row[_DELETED]]
        write_deltalake(delta, make_rows(table, columns, kept).drop_columns([_DELETED]), mode="overwrite")
    elif rows:
        _merge(delta, table, columns, rows)
    if len(delta.file_uris()) > MOST_FILES:
        delta.optimize.compact()


def _name_columns(table: LakeTable, key: str) -> Row:
    return dict(zip(table.key, orjson.loads(key), strict=True))


def _add_columns(delta: DeltaTable, table: LakeTable, rows: Sequence[Row]) -> list[str]:
    """All columns of the table, after those are added that the rows have and the table has not."""
    columns = [field.name for field in delta.schema().fields]
    new = sorted({name for row in rows for name in row}.difference(columns, [_DELETED]))
    if new:
        delta.alter.add_columns([Field(name, PrimitiveType("string")) for name in new])
    return columns + new


def make_rows(table: LakeTable, columns: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    kinds = {name: table.columns.get(name, "string") for name in columns}
    arrays = {name: pa.array([parse_value(kind, row.get(name)) for row in rows], _ARROW[kind]) for name, kind in kinds.items()}
    return pa.table(arrays | {_DELETED: pa.array([row[_DELETED] for row in rows], pa.bool_())})


def parse_value(kind: str, value: Any) -> Any:
    if value is None or kind not in (PRICE, "timestamp"):
        return value
    return Decimal(value) if kind == PRICE else datetime.fromisoformat(value)


def _merge(delta: DeltaTable, table: LakeTable, columns: Sequence[str], rows: Sequence[Row]) -> None:
    unchanged = {name for row in rows for name, value in row.items() if value == UNCHANGED}
    inserts, updates = ({_quote(name): f"s.{_quote(name)}" for name in columns} for _ in range(2))
    for name in map(_quote, unchanged):
        inserts[name] = f"NULLIF(s.{name}, '{UNCHANGED}')"
        updates[name] = f"CASE WHEN s.{name} = '{UNCHANGED}' THEN t.{name} ELSE s.{name} END"
    same = " AND ".join(f"t.{_quote(name)} = s.{_quote(name)}" for name in table.key)
    merge = delta.merge(make_rows(table, columns, rows), same, source_alias="s", target_alias="t")
    merge.when_matched_delete(f"s.{_DELETED}")
    merge.when_matched_update(updates, f"NOT s.{_DELETED}")
    merge.when_not_matched_insert(inserts, f"NOT s.{_DELETED}")
    merge.execute()


def _quote(name: str) -> str:
    """A column for the merge, which would take a bare name in lower case."""
    return '"' + name.replace('"', '""') + '"'
