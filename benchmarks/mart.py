"""What benchmarks ask of the platform's database."""

from __future__ import annotations

from typing import Any

import psycopg2

from cdp import postgres
from cdp.settings import Settings


def row(settings: Settings, sql: str) -> tuple[Any, ...]:
    """The one row that the question has."""
    connection = psycopg2.connect(**postgres.connection_arguments(settings, "cdp bench"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            (found,) = cursor.fetchall()
    finally:
        connection.close()
    return tuple(found)
