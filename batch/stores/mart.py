"""The night's connection to Postgres: the tables of cdp/mart/daily.py, earlier publications, and the night lock."""

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

from batch.plan import PublishedVersion, TableVersion
from cdp import postgres
from cdp.errors import first_line
from cdp.mart.daily import KPI_DAY, NIGHT_RUN, PAST_SNAPSHOT, PUBLICATION, create_statements, replaced
from cdp.mart.nights import HOLDERS, NIGHT_LOCK
from cdp.settings import Settings

#: A machine that vanishes does not close its connections. With these settings both ends notice within about a minute, and
#: Postgres checks the client even while a statement waits. The connection is then closed, which releases the lock.
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SERVER_KEEPALIVE = {
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "client_connection_check_interval": "2s",
}


class MartUnavailable(RuntimeError):
    """Postgres does not answer."""


class NightAlreadyRunning(RuntimeError):
    """Only one night can run at a time."""


@dataclass(frozen=True, slots=True)
class ServingPublication:
    """The publication that readers see."""

    id: int
    day: date
    profiles_collection: str
    customers_version: int
    shop_versions: Mapping[str, TableVersion]


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


def lock_arguments(settings: Settings, program: str = "cdp night") -> dict[str, Any]:
    """Arguments of a connection that holds a lock."""
    arguments = postgres.connection_arguments(settings, program)
    options = " ".join([arguments["options"], *(f"-c {name}={value}" for name, value in SERVER_KEEPALIVE.items())])
    return arguments | KEEPALIVE | {"options": options}


@contextmanager
def night_connection(settings: Settings) -> Iterator[Connection]:
    """A connection that holds the night lock. Postgres releases the lock when the connection ends, for whatever reason."""
    try:
        connection = psycopg2.connect(**lock_arguments(settings))
    except psycopg2.OperationalError as error:
        where, why = postgres.place(settings), first_line(error)
        raise MartUnavailable(f"Postgres at {where} can't be used: {why}; see ./run status.") from error
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
        ((is_ours,),) = cursor.fetchall()
        if is_ours:
            return
        holder = _describe_holder(cursor)
    raise NightAlreadyRunning(f"another night runs{holder}; wait for it to end, then run the same command again.")


def _describe_holder(cursor: Cursor) -> str:
    """Which night holds the lock. Its day and step are known once it has written its row."""
    cursor.execute(f"SELECT pid, backend_start FROM pg_stat_activity WHERE pid IN ({HOLDERS})")
    holder = cursor.fetchone()
    if holder is None:
        return ""
    pid, since = holder
    cursor.execute(postgres.TABLE_EXISTS, [NIGHT_RUN.full_name])
    ((has_runs,),) = cursor.fetchall()
    row = None
    if has_runs:
        query = f"SELECT day, step, pid, host FROM {NIGHT_RUN.full_name} WHERE backend = %s AND state = 'running'"
        cursor.execute(f"{query} ORDER BY id DESC LIMIT 1", [pid])
        row = cursor.fetchone()
    if row is None:
        return f" since {since:%H:%M:%S} UTC"
    day, step, process, host = row
    return f" since {since:%H:%M:%S} UTC: it publishes {day} (step {step}), process {process} on {host}"


def read_published_versions(connection: Connection, table_id: str) -> list[PublishedVersion]:
    """Per published day, the newest version of this table of events that it was published from. An earlier version of the
    platform named no table: such a publication counts as long as no publication names a table."""
    unnamed = f"events_table = '' AND NOT EXISTS (SELECT FROM {PUBLICATION.full_name} WHERE events_table <> '')"
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, max(events_version) FROM {PUBLICATION.full_name} WHERE events_table = %s OR ({unnamed}) GROUP BY day",
            [table_id],
        )
        return [PublishedVersion(*row) for row in cursor.fetchall()]


def read_serving_publication(connection: Connection) -> ServingPublication | None:
    with connection, connection.cursor() as cursor:
        columns = "id, day, profiles_collection, customers_version, shop_versions"
        cursor.execute(f"SELECT {columns} FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1")
        row = cursor.fetchone()
    if row is None:
        return None
    publication_id, day, collection, customers_version, shop = row
    shop_versions = {name: TableVersion(**version) for name, version in shop.items()}
    return ServingPublication(publication_id, day, collection, customers_version, shop_versions)


def read_past_snapshots(connection: Connection, events_table: str, definition: str) -> list[PastSnapshot]:
    """The snapshots made from this table of events with this definition of the metrics."""
    columns = ", ".join(PAST_SNAPSHOT.column_names)
    query = f"SELECT {columns} FROM {PAST_SNAPSHOT.full_name} WHERE events_table = %s AND definition = %s"
    with connection, connection.cursor() as cursor:
        cursor.execute(query, [events_table, definition])
        return [PastSnapshot(*row) for row in cursor.fetchall()]


def sum_days_up_to(connection: Connection, day: date) -> tuple[int, int, Decimal]:
    """Customers, orders and money of the published days up to this one."""
    sums = "coalesce(sum(new_customers), 0)::bigint, coalesce(sum(orders), 0)::bigint, coalesce(sum(revenue), 0)"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {sums} FROM {KPI_DAY.full_name} WHERE day <= %s", [day])
        ((customers, orders, money),) = cursor.fetchall()
    return customers, orders, money


def read_step_seconds(connection: Connection, publication: int, step: str) -> float:
    """How long a step took in the night of this publication."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce((seconds->>%s)::float, 0) FROM {PUBLICATION.full_name} WHERE id = %s", [step, publication]
        )
        ((seconds,),) = cursor.fetchall()
    return float(seconds)


def find_incomplete_days(connection: Connection) -> set[date]:
    """Published days without a row in one of the tables, because the table came with a newer version of the platform. Each day is
    one index lookup; without the LIMIT Postgres reads the whole table."""
    queries = (
        f"SELECT day FROM {KPI_DAY.full_name} k WHERE {table.has_rows_where} > 0"
        f" AND (SELECT true FROM {table.full_name} t WHERE t.day = k.day LIMIT 1) IS NULL"
        for table in replaced("restated days")
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(" UNION ".join(queries))
        return {day for (day,) in cursor.fetchall()}


def read_published_days(connection: Connection) -> frozenset[date]:
    """The days that have numbers."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day FROM {KPI_DAY.full_name}")
        return frozenset(day for (day,) in cursor.fetchall())


def sum_numbers_before(cursor: Cursor, day: date, restated: Collection[date]) -> Mapping[str, Any]:
    """The sums of the published numbers up to this day, without the days that are being restated."""
    columns = [column.name for column in KPI_DAY.columns if column.name not in KPI_DAY.key]
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    cursor.execute(f"SELECT {sums} FROM {KPI_DAY.full_name} WHERE day <= %s AND day <> ALL(%s::date[])", [day, list(restated)])
    return dict(zip(columns, cursor.fetchall()[0], strict=True))
