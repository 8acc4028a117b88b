"""Connection settings of the platform's database, for all our programs and drivers."""

from __future__ import annotations

from typing import Any, Literal

from cdp.settings import Settings

CONNECT_SECONDS = 10
#: A query that says whether the table with this full name exists.
TABLE_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"
#: A query that says whether a program has an open connection of this name.
PROGRAM_RUNS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = %s AND datname = current_database())"


def connection_arguments(settings: Settings, program: str, connect_seconds: int = CONNECT_SECONDS) -> dict[str, Any]:
    """Arguments with libpq's names. `program` names the connection in pg_stat_activity and in Postgres' log."""
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "user": settings.postgres_user,
        "password": settings.postgres_password,
        "dbname": settings.postgres_database,
        **_for_program(program, connect_seconds),
    }


def _for_program(program: str, connect_seconds: int) -> dict[str, Any]:
    """What does not depend on the server."""
    return {"connect_timeout": connect_seconds, "application_name": program, "options": "-c timezone=UTC"}


#: Logins of the sample shop's database: the owner of its tables and of the publication, a reader of its changes, a reader.
ShopLogin = Literal["owner", "cdc", "reader"]
SHOP_CDC, SHOP_READER = "cdc", "shop_reader"


def shop_connection_arguments(
    settings: Settings, login: ShopLogin, program: str, connect_seconds: int = CONNECT_SECONDS
) -> dict[str, Any]:
    """Arguments for the sample shop's database, with libpq's names."""
    user, password = {
        "owner": (settings.shop_user, settings.shop_password),
        "cdc": (SHOP_CDC, settings.shop_cdc_password),
        "reader": (SHOP_READER, settings.shop_reader_password),
    }[login]
    return {
        "host": settings.shop_host,
        "port": settings.shop_port,
        "user": user,
        "password": password,
        "dbname": settings.shop_database,
        **_for_program(program, connect_seconds),
    }


def place(settings: Settings) -> str:
    """The address as messages show it."""
    return f"{settings.postgres_host}:{settings.postgres_port}"
