"""The rows of the schema `recommend` in Postgres that say what was trained, evaluated and published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from batch.stores.mart import MartUnavailable, read_serving_publication
from cdp import postgres
from cdp.errors import first_line
from cdp.mart.daily import create_statements
from cdp.mart.recommend import PUBLICATION, RECOMMEND_TABLES, VERSION
from cdp.mart.table import Table
from cdp.recommend.store import Version
from cdp.settings import Settings


class NoPublishedDay(RuntimeError):
    """No night has published a day yet."""


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """A transaction on Postgres. Raises MartUnavailable if it does not answer."""
    where = postgres.place(settings)
    try:
        with closing(psycopg2.connect(**postgres.connection_arguments(settings, "cdp recommend"))) as connection, connection:
            yield connection
    except psycopg2.OperationalError as error:
        raise MartUnavailable(f"Postgres at {where} can't be used: {first_line(error)}; see ./run status postgres.") from error


def create_tables(settings: Settings) -> None:
    """Called before long work, so that work without Postgres fails at once."""
    with connect(settings) as connection, connection.cursor() as cursor:
        for statement in create_statements(RECOMMEND_TABLES):
            cursor.execute(statement)


def read_published_day(settings: Settings) -> date:
    """The day of the newest publication of a night."""
    with connect(settings) as connection:
        try:
            serving = read_serving_publication(connection)
        except psycopg2.errors.UndefinedTable:
            serving = None
    if serving is None:
        raise NoPublishedDay("no night has published a day yet; run one: ./run night --day D")
    return serving.day


def record_version(settings: Settings, version: Version) -> None:
    """All that the version's folder says. A repeated command changes nothing."""
    evaluation = version.evaluation
    row = {
        "version": version.name,
        "day": version.day,
        "trained_at": version.training["at"],
        "seconds": version.training["seconds"],
        "evaluated_at": datetime.fromtimestamp(version.evaluation_time, UTC) if evaluation else None,
        "promoted": bool(evaluation and evaluation["promoted"]),
        "evaluation": Json(evaluation) if evaluation else None,
    }
    with connect(settings) as connection:
        _write_row(connection, VERSION, row)


def record_run(settings: Settings, version: Version, url: str) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {VERSION.full_name} SET run_url = %s WHERE version = %s", [url, version.name])


def record_publication(settings: Settings, row: dict[str, Any]) -> None:
    with connect(settings) as connection:
        _write_row(connection, PUBLICATION, row)


def has_publication(settings: Settings, name: str) -> bool:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {PUBLICATION.full_name} WHERE publication = %s)", [name])
        ((exists,),) = cursor.fetchall()
    return bool(exists)


def _write_row(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in table.key)
    conflict = f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table.full_name} ({names}) VALUES ({values}) {conflict}", row)
