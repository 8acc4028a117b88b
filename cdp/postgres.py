"""Connection settings of the platform's database, for all our programs and drivers."""

from __future__ import annotations

from typing import Any

from cdp.settings import Settings

CONNECT_SECONDS = 10
#: A query that says whether the table with this full name exists.
TABLE_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"


def connection_arguments(settings: Settings, program: str, connect_seconds: int = CONNECT_SECONDS) -> dict[str, Any]:
    """Arguments with libpq's names. `program` names the connection in pg_stat_activity and in Postgres' log."""
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "user": settings.postgres_user,
        "password": settings.postgres_password,
        "dbname": settings.postgres_database,
        "connect_timeout": connect_seconds,
        "application_name": program,
        "options": "-c timezone=UTC",
    }


def place(settings: Settings) -> str:
    """The address as messages show it."""
    return f"{settings.postgres_host}:{settings.postgres_port}"
