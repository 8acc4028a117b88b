"""How long Postgres takes to replace one day, or every day, of a table with rows for each day, and how many locks it holds: a
plain table, one with a partition for each month, and one with a partition for each day. Each has 100 days, then three years."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from batch.stores.mart import connection_arguments
from batch.stores.replace import replace_rows
from benchmarks.outcome import Goal, Outcome
from cdp.table import Column, Table, create_table
from infra.stack.stack import Stack

NEEDS = ("postgres",)
FIRST_DAY = date(2019, 1, 1)
LENGTHS = (100, 1095)
ROWS_A_DAY = 300
TIMES = 2
#: A site that holds fewer locks than this never meets Postgres' default bound (64 for each of 100 connections).
MOST_LOCKS = 64

SCHEMA = "bench"


@dataclass(frozen=True, slots=True)
class BenchTable(Table):
    """As large a row as customer_day has."""

    @property
    def full_name(self) -> str:
        return f"{SCHEMA}.{self.name}"


TABLE = BenchTable(
    "days",
    "",
    (
        Column("day", "date"), Column("customer_id", "text"), Column("first_time", "time"), Column("last_time", "time"),
        *(Column(f"count_{number}", "integer") for number in range(6)), Column("revenue", "money"),
    ),
    key=("day", "customer_id"),
    replaced="restated days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """How the days are kept, and how some of them are replaced by the rows of the table beside it."""

    name: str
    create: Callable[[Cursor, int], None]
    replace: Callable[[Cursor, list[date]], None]


@dataclass(frozen=True, slots=True)
class Took:
    """One replacement: how long it took, and how many locks it held at its end."""

    seconds: float
    locks: int


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("day-tables")
    connection = psycopg2.connect(**connection_arguments(stack.settings))
    found = {
        (layout.name, length, what): _measure(connection, layout, length, days, round(ROWS_A_DAY * scale))
        for layout in LAYOUTS
        for length in LENGTHS
        for what, days in (("one day", 1), ("every day", length))
    }
    connection.close()
    for (name, length, what), took in found.items():
        shown = "out of locks" if took is None else f"{took.locks:,} locks"
        outcome.measure(f"{name}, {length:,} days, {what} replaced", took.seconds if took else 0.0, "s", shown)
    everything = found[PLAIN.name, LENGTHS[-1], "every day"]
    assert everything, "a plain table needs few locks"
    outcome.goals.append(Goal("locks of the plain table, every day replaced", everything.locks, MOST_LOCKS, at_least=False))
    return outcome


def _measure(connection: Connection, layout: Layout, length: int, days: int, rows: int) -> Took | None:
    """The quickest of some; None where Postgres has no room for the locks."""
    replaced = [FIRST_DAY + timedelta(days=length - 1 - number) for number in range(days)]
    took = []
    for _ in range(TIMES):
        _make_anew(connection, layout, length)
        try:
            with connection, connection.cursor() as cursor:
                _fill(cursor, TABLE.full_name, FIRST_DAY, length, rows)
            with connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {TABLE.next_name} (LIKE {TABLE.full_name} INCLUDING ALL)")
                _fill(cursor, TABLE.next_name, min(replaced), days, rows)
                cursor.execute(f"ANALYZE {TABLE.full_name}")
            took.append(_replaced(connection, layout, replaced))
        except psycopg2.errors.OutOfMemory:
            return None
    return min(took, key=lambda one: one.seconds)


def _make_anew(connection: Connection, layout: Layout, length: int) -> None:
    """Each statement is a transaction of its own: one for thousands of tables would be out of locks before it begins."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        cursor.execute(
            f"SELECT relname FROM pg_class WHERE relnamespace = '{SCHEMA}'::regnamespace AND relispartition AND relkind = 'r'"
        )
        for (partition,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {SCHEMA}.{partition}")
        cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        layout.create(cursor, length)
    connection.autocommit = False


def _replaced(connection: Connection, layout: Layout, days: list[date]) -> Took:
    begun = time.monotonic()
    with connection, connection.cursor() as cursor:
        layout.replace(cursor, days)
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
        ((locks,),) = cursor.fetchall()
    return Took(time.monotonic() - begun, locks)


def _fill(cursor: Cursor, table: str, first: date, days: int, rows: int) -> None:
    cursor.execute(
        f"INSERT INTO {table} SELECT d::date, 'customer-' || c, d, d, c %% 7, c %% 5, c %% 3, c %% 2, 1, 0, c"
        f" FROM generate_series(%s::date, %s::date, '1 day') d, generate_series(1, {rows}) c",
        [first, first + timedelta(days=days - 1)],
    )


def _create_plain(cursor: Cursor, length: int) -> None:
    cursor.execute(create_table(TABLE))


def _create_parted(step: Callable[[date], date]) -> Callable[[Cursor, int], None]:
    def create(cursor: Cursor, length: int) -> None:
        cursor.execute(f"{create_table(TABLE)} PARTITION BY RANGE (day)")
        for first, end in _parts(length, step):
            part = f"{TABLE.full_name}_{first:%Y%m%d}"
            cursor.execute(f"CREATE TABLE {part} PARTITION OF {TABLE.full_name} FOR VALUES FROM ('{first}') TO ('{end}')")

    return create


def _parts(length: int, step: Callable[[date], date]) -> Iterator[tuple[date, date]]:
    first, last = FIRST_DAY, FIRST_DAY + timedelta(days=length - 1)
    while first <= last:
        yield first, step(first)
        first = step(first)


def _replace_plain(cursor: Cursor, days: list[date]) -> None:
    replace_rows(cursor, TABLE, days, days[0])


def _replace_parted(cursor: Cursor, days: list[date]) -> None:
    cursor.execute(f"DELETE FROM {TABLE.full_name} WHERE day = ANY(%s)", [days])
    cursor.execute(f"INSERT INTO {TABLE.full_name} SELECT * FROM {TABLE.next_name}")


PLAIN = Layout("plain table", _create_plain, _replace_plain)
LAYOUTS = (
    PLAIN,
    Layout("a partition a month", _create_parted(lambda day: (day + timedelta(days=31)).replace(day=1)), _replace_parted),
    Layout("a partition a day", _create_parted(lambda day: day + timedelta(days=1)), _replace_parted),
)
