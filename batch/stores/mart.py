"""The night's connection to Postgres: the tables of cdp/warehouse.py, what was published, and the lock of the night."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from batch.plan import Published
from cdp import postgres
from cdp.nights import HOLDERS, NIGHT_LOCK
from cdp.said import first_line
from cdp.settings import Settings
from cdp.warehouse import KPI_DAY, NIGHT_RUN, PAST_SNAPSHOT, PUBLICATION, create_statements, replaced

#: A night whose machine has vanished sends nothing more, not even that it ends. Both ends ask after a minute; and Postgres looks
#: for the client also while a statement of it waits. Then the connection goes, and the lock with it.
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SERVER_KEEPALIVE = {
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "client_connection_check_interval": "2s",
}


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
    customers_version: int


@dataclass(frozen=True, slots=True)
class PastSnapshot:
    """A row of mart.past_snapshot."""

    day: date
    customers_version: int
    events_table: str
    events_version: int
    definition: str
    customers: int
    made_at: datetime


def connection_arguments(settings: Settings) -> dict[str, Any]:
    return postgres.connection_arguments(settings, "cdp night")


def lock_arguments(settings: Settings) -> dict[str, Any]:
    """Of the connection that holds the lock."""
    given = connection_arguments(settings)
    options = " ".join([given["options"], *(f"-c {name}={value}" for name, value in SERVER_KEEPALIVE.items())])
    return given | KEEPALIVE | {"options": options}


@contextmanager
def night_connection(settings: Settings) -> Iterator[Connection]:
    """A connection that holds the lock of the night as long as it lives: the lock goes with it, whatever happens."""
    try:
        connection = psycopg2.connect(**lock_arguments(settings))
    except psycopg2.OperationalError as error:
        where, why = postgres.place(settings), first_line(error)
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
        who = _holder(cursor)
    raise NightRuns(f"another night runs{who}; wait for it to end, then run the same again.")


def _holder(cursor: Cursor) -> str:
    """Who holds the lock: known as soon as it has begun its row."""
    cursor.execute(f"SELECT pid, backend_start FROM pg_stat_activity WHERE pid IN ({HOLDERS})")
    holder = cursor.fetchone()
    if holder is None:
        return ""
    pid, since = holder
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [NIGHT_RUN.full_name])
    ((there,),) = cursor.fetchall()
    row = None
    if there:
        wanted = f"SELECT day, step, pid, host FROM {NIGHT_RUN.full_name} WHERE backend = %s AND state = 'running'"
        cursor.execute(f"{wanted} ORDER BY id DESC LIMIT 1", [pid])
        row = cursor.fetchone()
    if row is None:
        return f" since {since:%H:%M:%S} UTC"
    day, step, process, host = row
    return f" since {since:%H:%M:%S} UTC: it publishes {day} (step {step}), process {process} on {host}"


def published(connection: Connection, table_id: str) -> list[Published]:
    """The newest version of this table of events that each day was published from. A publication that names no table is of
    a version of the platform from before, and counts until one names it."""
    named = f"events_table = '' AND NOT EXISTS (SELECT FROM {PUBLICATION.full_name} WHERE events_table <> '')"
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, max(events_version) FROM {PUBLICATION.full_name} WHERE events_table = %s OR ({named}) GROUP BY day",
            [table_id],
        )
        return [Published(*row) for row in cursor.fetchall()]


def serving(connection: Connection) -> Serving | None:
    with connection, connection.cursor() as cursor:
        columns = "id, day, profiles_collection, customers_version"
        cursor.execute(f"SELECT {columns} FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1")
        row = cursor.fetchone()
    return None if row is None else Serving(*row)


def past_snapshots(connection: Connection, events_table: str, definition: str) -> list[PastSnapshot]:
    """Those made from this table of events by this definition of the metrics."""
    columns = ", ".join(PAST_SNAPSHOT.column_names)
    wanted = f"SELECT {columns} FROM {PAST_SNAPSHOT.full_name} WHERE events_table = %s AND definition = %s"
    with connection, connection.cursor() as cursor:
        cursor.execute(wanted, [events_table, definition])
        return [PastSnapshot(*row) for row in cursor.fetchall()]


def totals_up_to(connection: Connection, day: date) -> tuple[int, int, Decimal]:
    """Customers, orders and money of the published days up to this one."""
    sums = "coalesce(sum(new_customers), 0)::bigint, coalesce(sum(orders), 0)::bigint, coalesce(sum(revenue), 0)"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {sums} FROM {KPI_DAY.full_name} WHERE day <= %s", [day])
        ((customers, orders, money),) = cursor.fetchall()
    return customers, orders, money


def seconds_of_step(connection: Connection, publication: int, step: str) -> float:
    """How long a step of the night of this publication took."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce((seconds->>%s)::float, 0) FROM {PUBLICATION.full_name} WHERE id = %s", [step, publication]
        )
        ((seconds,),) = cursor.fetchall()
    return float(seconds)


def days_lacking(connection: Connection) -> set[date]:
    """Published days of which a table has no row yet: it came with a newer version of the platform. A look into its index for
    each day; without the LIMIT Postgres reads the whole table."""
    lacking = (
        f"SELECT day FROM {KPI_DAY.full_name} k WHERE {table.has_rows_where} > 0"
        f" AND (SELECT true FROM {table.full_name} t WHERE t.day = k.day LIMIT 1) IS NULL"
        for table in replaced("restated days")
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(" UNION ".join(lacking))
        return {day for (day,) in cursor.fetchall()}


def days_published(connection: Connection) -> frozenset[date]:
    """The days that have numbers."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day FROM {KPI_DAY.full_name}")
        return frozenset(day for (day,) in cursor.fetchall())


def numbers_before(cursor: Cursor, day: date, restated: Collection[date]) -> Mapping[str, Any]:
    """The published numbers of the days up to this one, added up, without those that are restated now."""
    columns = [column.name for column in KPI_DAY.columns if column.name not in KPI_DAY.key]
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    cursor.execute(f"SELECT {sums} FROM {KPI_DAY.full_name} WHERE day <= %s AND day <> ALL(%s::date[])", [day, list(restated)])
    return dict(zip(columns, cursor.fetchall()[0], strict=True))
