"""Measures how long Postgres takes to replace one day or every day of a table, and how many locks that holds: in a plain table,
with a partition for each month, and with a partition for each day. Each table has 100 days, then three years."""

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
from cdp.mart.table import Column, Table, create_table
from infra.stack.stack import Stack

NEEDS = ("postgres",)
FIRST_DAY = date(2019, 1, 1)
LENGTHS = (100, 1095)
ROWS_A_DAY = 300
TIMES = 2
#: With no more locks than this per connection, Postgres' default limit (64 for each of 100 connections) is never reached.
MOST_LOCKS = 64

SCHEMA = "bench"


@dataclass(frozen=True, slots=True)
class BenchTable(Table):
    """A table in the benchmark's schema."""

    @property
    def full_name(self) -> str:
        return f"{SCHEMA}.{self.name}"


#: A row is as large as one of customer_day.
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
    """How the table is created, and how the rows of a second table replace some of its days."""

    name: str
    create: Callable[[Cursor, int], None]
    replace: Callable[[Cursor, list[date]], None]


@dataclass(frozen=True, slots=True)
class Replacement:
    """How long one replacement took, and how many locks it held at its end."""

    seconds: float
    locks: int


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("day-tables")
    connection = psycopg2.connect(**connection_arguments(stack.settings))
    replacements = {
        (layout.name, length, what): _measure(connection, layout, length, days, round(ROWS_A_DAY * scale))
        for layout in LAYOUTS
        for length in LENGTHS
        for what, days in (("one day", 1), ("every day", length))
    }
    connection.close()
    for (name, length, what), replacement in replacements.items():
        shown = "out of locks" if replacement is None else f"{replacement.locks:,} locks"
        outcome.measure(f"{name}, {length:,} days, {what} replaced", replacement.seconds if replacement else 0.0, "s", shown)
    everything = replacements[PLAIN.name, LENGTHS[-1], "every day"]
    assert everything, "a plain table never runs out of locks"
    outcome.goals.append(Goal("locks of the plain table, every day replaced", everything.locks, MOST_LOCKS, at_least=False))
    return outcome


def _measure(connection: Connection, layout: Layout, length: int, days: int, rows: int) -> Replacement | None:
    """The quickest of TIMES replacements; None if Postgres ran out of locks."""
    replaced_days = [FIRST_DAY + timedelta(days=length - 1 - number) for number in range(days)]
    replacements = []
    for _ in range(TIMES):
        _recreate(connection, layout, length)
        try:
            with connection, connection.cursor() as cursor:
                _fill(cursor, TABLE.full_name, FIRST_DAY, length, rows)
            with connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {TABLE.next_name} (LIKE {TABLE.full_name} INCLUDING ALL)")
                _fill(cursor, TABLE.next_name, min(replaced_days), days, rows)
                cursor.execute(f"ANALYZE {TABLE.full_name}")
            replacements.append(_replace(connection, layout, replaced_days))
        except psycopg2.errors.OutOfMemory:
            return None
    return min(replacements, key=lambda replacement: replacement.seconds)


def _recreate(connection: Connection, layout: Layout, length: int) -> None:
    """Create an empty table. Each statement is its own transaction: one for thousands of tables would run out of locks."""
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


def _replace(connection: Connection, layout: Layout, days: list[date]) -> Replacement:
    start = time.monotonic()
    with connection, connection.cursor() as cursor:
        layout.replace(cursor, days)
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
        ((locks,),) = cursor.fetchall()
    return Replacement(time.monotonic() - start, locks)


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
