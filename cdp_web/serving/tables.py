"""Reads tables in Postgres that other programs create when they first need them."""

from __future__ import annotations

from typing import Any

from django.db import connection

from cdp.mart.table import Table
from cdp.postgres import TABLE_EXISTS


def read_rows(table: Table, sql: str, *parameters: Any) -> list[Any]:
    """No rows before the table exists."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [table.full_name])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
