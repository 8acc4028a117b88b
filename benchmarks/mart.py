"""Queries of the benchmarks to the platform's database."""

from __future__ import annotations

from typing import Any

import psycopg2

from cdp import postgres
from cdp.settings import Settings


def read_row(settings: Settings, sql: str) -> tuple[Any, ...]:
    """The only row of the query's result."""
    connection = psycopg2.connect(**postgres.connection_arguments(settings, "cdp bench"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            (row,) = cursor.fetchall()
    finally:
        connection.close()
    return tuple(row)
