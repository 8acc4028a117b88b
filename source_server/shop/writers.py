"""Writes the transactions of a simulation: a history at once by COPY, live transactions one by one."""

from __future__ import annotations

from functools import cache
from typing import Any, LiteralString

from psycopg import sql

from source_server.shop.changes import Change, Transaction
from source_server.shop.database import Connection, ShopError, table_name
from source_server.shop.tables import BY_NAME, TABLES, ShopTable


class LiveWriter:
    """Commits each transaction as a shop would."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, transaction: Transaction) -> None:
        if not transaction.changes:
            return
        with self._connection.transaction():
            for change in transaction.changes:
                cursor = self._connection.execute(*_make_statement(change))
                if cursor.rowcount != 1:
                    raise ShopError(f"somebody else deleted a row of {change.table.name}; start the simulation again.")


class HistoryWriter:
    """Collects what the rows are at the end of a history, then writes them in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inserts: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {table.name: {} for table in TABLES}
        self._deletes: list[Change] = []  # of rows that were there before
        self._updates: dict[tuple[str, tuple[Any, ...]], dict[str, Any]] = {}

    def write(self, transaction: Transaction) -> None:
        for change in transaction.changes:
            new = self._inserts[change.table.name]
            if change.kind == "insert":
                new[change.key] = dict(change.values)
            elif change.kind == "delete":
                if new.pop(change.key, None) is None:
                    self._deletes.append(change)
            elif change.key in new:
                new[change.key].update(change.values)
            else:
                self._updates.setdefault((change.table.name, change.key), {}).update(change.values)

    def finish(self) -> None:
        with self._connection.transaction():
            for change in self._deletes:
                self._connection.execute(*_make_statement(change))
            for table in TABLES:
                self._copy(table, list(self._inserts[table.name].values()))
            for (name, key), values in self._updates.items():
                self._connection.execute(*_make_statement(Change("update", BY_NAME[name], key, values)))
        self._connection.execute("ANALYZE")

    def _copy(self, table: ShopTable, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        columns = tuple(rows[0])
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table_name(table), _list_names(columns))
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])


def _make_statement(change: Change) -> tuple[sql.Composed, list[Any]]:
    columns = tuple(change.values)
    statement = _compose(change.kind, change.table, columns)
    values = list(change.values.values())
    return statement, values if change.kind == "insert" else [*values, *change.key]


@cache
def _compose(kind: str, table: ShopTable, columns: tuple[str, ...]) -> sql.Composed:
    name, key = table_name(table), _assign(table.key, " AND ")
    if kind == "insert":
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, _list_names(columns), marks)
    if kind == "update":
        return sql.SQL("UPDATE {} SET {} WHERE {}").format(name, _assign(columns, ", "), key)
    return sql.SQL("DELETE FROM {} WHERE {}").format(name, key)


def _list_names(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _assign(columns: tuple[str, ...], between: LiteralString) -> sql.Composed:
    return sql.SQL(between).join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns)
