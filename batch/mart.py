"""The night's connection to Postgres: the tables of cdp/warehouse.py, what was published, and the lock of the night."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from batch.plan import Published
from cdp import postgres
from cdp.settings import Settings
from cdp.warehouse import KPI_DAY, PUBLICATION, create_statements, replaced

#: Any number, as long as nobody else in this database takes it.
NIGHT_LOCK = 7_301_001


class MartAway(RuntimeError):
    """Postgres does not answer."""


class NightRuns(RuntimeError):
    """There is one night at a time."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The publication that readers see."""

    id: int
    day: date
    profiles_collection: str


def connection_arguments(settings: Settings) -> dict[str, Any]:
    return postgres.connection_arguments(settings, "cdp night")


@contextmanager
def night_connection(settings: Settings) -> Iterator[Connection]:
    """A connection that holds the lock of the night as long as it lives: the lock goes with it, whatever happens."""
    try:
        connection = psycopg2.connect(**connection_arguments(settings))
    except psycopg2.OperationalError as error:
        where, why = postgres.place(settings), postgres.reason(error)
        raise MartAway(f"Postgres at {where} can't be used: {why}; see ./run status.") from error
    try:
        _take_lock(connection)
        with connection, connection.cursor() as cursor:
            for statement in create_statements():
                cursor.execute(statement)
        yield connection
    finally:
        connection.close()


def _take_lock(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [NIGHT_LOCK])
        ((taken,),) = cursor.fetchall()
        if taken:
            return
        cursor.execute(
            "SELECT a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted",
            [NIGHT_LOCK],
        )
        holder = cursor.fetchone()
    since = f" since {holder[0]:%H:%M:%S} UTC" if holder else ""
    raise NightRuns(f"another night runs{since}; wait for it to end, then run the same again.")


def published(connection: Connection) -> list[Published]:
    """The newest version of the events that each day was published from."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, max(events_version) FROM {PUBLICATION.full_name} GROUP BY day")
        return [Published(*row) for row in cursor.fetchall()]


def serving(connection: Connection) -> Serving | None:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id, day, profiles_collection FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1")
        row = cursor.fetchone()
    return None if row is None else Serving(*row)


def days_lacking(connection: Connection) -> set[date]:
    """Published days of which a table has no row yet: it came with a newer version of the platform."""
    lacking = (
        f"SELECT day FROM {KPI_DAY.full_name} k WHERE {table.has_rows_where} > 0"
        f" AND NOT EXISTS (SELECT 1 FROM {table.full_name} t WHERE t.day = k.day)"
        for table in replaced("restated days")
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(" UNION ".join(lacking))
        return {day for (day,) in cursor.fetchall()}


def numbers_before(cursor: Cursor, day: date, restated: Collection[date]) -> Mapping[str, Any]:
    """The published numbers of the days up to this one, added up, without those that are restated now."""
    columns = [column.name for column in KPI_DAY.columns if column.name not in KPI_DAY.key]
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    cursor.execute(f"SELECT {sums} FROM {KPI_DAY.full_name} WHERE day <= %s AND day <> ALL(%s::date[])", [day, list(restated)])
    return dict(zip(columns, cursor.fetchall()[0], strict=True))
