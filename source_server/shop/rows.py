"""Reads pages of the shop's tables, in the order of the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from source_server.shop.database import Connection, table_name
from source_server.shop.tables import ShopTable

JsonRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a table: columns that must be equal, times of the table's `time` column, and the key to continue after."""

    equal: Mapping[str, Any]
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[int, ...] | None = None


def read_page(connection: Connection, table: ShopTable, selection: Selection, limit: int) -> tuple[list[JsonRow], str | None]:
    """Up to `limit` rows, and the key after which the next page starts; None if this is the last page."""
    conditions, values = _make_conditions(table, selection)
    where = sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL("")
    query = sql.SQL("SELECT * FROM {}{} ORDER BY {} LIMIT %s").format(table_name(table), where, _list_key(table))
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, [*values, limit + 1]).fetchall()
    page = rows[:limit]
    return [make_json(row) for row in page], format_key(table, page[-1]) if len(rows) > limit else None


def read_row(connection: Connection, table: ShopTable, key: tuple[int, ...]) -> JsonRow | None:
    rows, _ = read_page(connection, table, Selection(dict(zip(table.key, key, strict=True))), 1)
    return rows[0] if rows else None


def _make_conditions(table: ShopTable, selection: Selection) -> tuple[list[sql.Composable], list[Any]]:
    conditions: list[sql.Composable] = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in selection.equal]
    values = list(selection.equal.values())
    for bound, comparison in ((selection.since, sql.SQL("{} >= %s")), (selection.until, sql.SQL("{} < %s"))):
        if bound and table.time:
            conditions.append(comparison.format(sql.Identifier(table.time)))
            values.append(bound)
    if selection.after:
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(table.key))
        conditions.append(sql.SQL("({}) > ({})").format(_list_key(table), marks))
        values.extend(selection.after)
    return conditions, values


def _list_key(table: ShopTable) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, table.key))


def format_key(table: ShopTable, row: Mapping[str, Any]) -> str:
    """order 17, line 2: 17,2"""
    return ",".join(str(row[column]) for column in table.key)


def parse_key(table: ShopTable, text: str) -> tuple[int, ...]:
    """The numbers of a key; ValueError if there are more or fewer than the table's key has."""
    key = tuple(int(part) for part in text.split(","))
    if len(key) != len(table.key) or any(abs(part) >= 2**63 for part in key):
        raise ValueError(text)
    return key


def make_json(row: Mapping[str, Any]) -> JsonRow:
    """Ids and money as text, so that no digit is lost; times in UTC."""
    return {column: _make_value(column, value) for column, value in row.items()}


def _make_value(column: str, value: Any) -> Any:
    if isinstance(value, Decimal) or (column.endswith("_id") and value is not None):
        return str(value)
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
