"""The peer with tables: customers and interactions in Postgres, as typed columns with an index for every question of the rules.
The SQL is the site's own, rewritten by sqlglot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import sqlglot
from psycopg2.extensions import connection as Connection

from benchmarks.segments_rules import RULES, BenchRule, make_source
from benchmarks.segments_site import REPETITIONS
from cdp.kinds import METRIC_KINDS
from cdp.metrics import BY_KEY
from cdp.postgres import connection_arguments
from cdp.rules import Compare, to_sql, walk
from cdp.settings import Settings

#: The server's settings for peers: a quarter of a small machine for the cache, and room for every hash table.
SERVER = {
    "shared_buffers": "1GB", "work_mem": "256MB", "maintenance_work_mem": "1GB", "effective_cache_size": "8GB",
    "max_parallel_workers_per_gather": "2", "max_parallel_maintenance_workers": "2", "random_page_cost": "1.1",
    "max_wal_size": "16GB",
}  # fmt: skip
TOO_SLOW_SECONDS = 60
#: A rule that needs long has fewer repetitions: no more than these seconds in total.
SECONDS_A_RULE = 8
#: No rule begins after these seconds, so the benchmark ends.
SECONDS_A_PEER = 150
INTERACTIONS = (
    "customer, day, hour, event_type, product_id, category_1, category_2, category_3, brand, price, events, quantity, money"
)
_TYPES = {"customer": "integer", "day": "date", "hour": "smallint", "price": "numeric(12,2)", "money": "numeric(18,2)"}
_TYPES |= {"events": "bigint", "quantity": "bigint"}
#: Rules compare bytes, so text is compared as bytes here too.
_TEXT = 'text COLLATE "C"'
CONTAINS = "CREATE FUNCTION contains(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN strpos($1, $2) > 0"


@dataclass(frozen=True, slots=True)
class PeerTimes:
    """The members of a rule and the seconds of each count; no seconds if the rule was stopped."""

    count: int
    digest: str
    seconds: list[float]


def list_metrics() -> list[str]:
    """The metrics that the rules compare, their segments included."""
    rules = [each.rule for each in RULES] + list(make_source().segments.values())
    return sorted({node.rule.field for rule in rules for node in walk(rule) if isinstance(node.rule, Compare)})


def connect(settings: Settings) -> Connection:
    connection = psycopg2.connect(**connection_arguments(settings, "bench"))
    connection.autocommit = True
    return connection


def fill_tables(settings: Settings, snapshot: Path) -> None:
    """Copy the snapshot into Postgres with its keys, then index, vacuum and analyze it."""
    metrics = list_metrics()
    columns = ", ".join(f"{name} {_type_of(name)}" for name in metrics)
    interactions = ", ".join(f"{name} {_TYPES.get(name, _TEXT)}" for name in INTERACTIONS.split(", "))
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS peer CASCADE; CREATE SCHEMA peer; SET search_path TO peer, public")
        cursor.execute(CONTAINS.replace("contains", "peer.contains", 1))
        cursor.execute(f"CREATE TABLE customers (customer integer, customer_id {_TEXT}, {columns})")
        cursor.execute(f"CREATE TABLE interactions ({interactions})")
        _copy(cursor, snapshot, "customers", f"customer, customer_id, {', '.join(metrics)}")
        _copy(cursor, snapshot, "interactions", INTERACTIONS)
        cursor.execute("CREATE TABLE list_members AS SELECT list_id, customer FROM public.segments_listmember JOIN customers"
                       " USING (customer_id)")  # fmt: skip
        for statement in _list_indexes(metrics):
            cursor.execute(statement)


def _type_of(metric: str) -> str:
    kind = BY_KEY[metric].kind
    return _TEXT if kind == "text" else METRIC_KINDS[kind].postgres


def _list_indexes(metrics: list[str]) -> Iterator[str]:
    yield "ALTER TABLE customers ADD PRIMARY KEY (customer)"
    for name in metrics:
        yield f"CREATE INDEX ON customers ({name})"
    yield "CREATE INDEX ON list_members (list_id, customer)"
    yield (
        "CREATE INDEX ON interactions (event_type, day, customer)"
        " INCLUDE (category_1, brand, product_id, events, quantity, money)"
    )
    yield "CREATE INDEX ON interactions (customer, event_type, day)"
    for table in ("customers", "interactions", "list_members"):
        yield f"VACUUM ANALYZE {table}"


def _copy(cursor: Any, snapshot: Path, table: str, columns: str) -> None:
    """Through a file of DuckDB: neither side waits for Python."""
    file = snapshot.with_name(f"{table}.csv")
    with duckdb.connect(str(snapshot), read_only=True) as duck:
        duck.execute(f"COPY (SELECT {columns} FROM {table}) TO '{file}' (HEADER false)")
    with file.open() as lines:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)", lines)
    file.unlink()


def write_sql(rule: BenchRule) -> str:
    """The site's query of the rule in Postgres' dialect."""
    (sql,) = sqlglot.transpile(to_sql(rule.rule, make_source()), read="duckdb", write="postgres")
    return sql


def measure_tables(settings: Settings) -> dict[str, PeerTimes]:
    return measure_all(settings, {rule.name: write_sql(rule) for rule in RULES})


def measure_all(settings: Settings, queries: dict[str, str]) -> dict[str, PeerTimes]:
    """The queries in turn, until the time of the peer is over; those that are left are missing from the answer."""
    times: dict[str, PeerTimes] = {}
    end = time.monotonic() + SECONDS_A_PEER
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SET search_path TO peer, public")
        for name, sql in queries.items():
            if time.monotonic() < end:
                times[name] = measure(cursor, sql)
    return times


def measure(cursor: Any, sql: str) -> PeerTimes:
    """Counts the members several times after the query that lists them, which warms the caches."""
    cursor.execute(f"SET statement_timeout = '{TOO_SLOW_SECONDS}s'")
    try:
        cursor.execute(f"SELECT count(*), md5(string_agg(customer_id, ',' ORDER BY customer_id)) FROM ({sql}) members")
        ((count, digest),) = cursor.fetchall()
        seconds: list[float] = []
        while len(seconds) < REPETITIONS and (not seconds or sum(seconds) + seconds[-1] < SECONDS_A_RULE):
            start = time.monotonic()
            cursor.execute(f"SELECT count(*) FROM ({sql}) members")
            cursor.fetchall()
            seconds.append(time.monotonic() - start)
    except psycopg2.errors.QueryCanceled:
        return PeerTimes(0, "", [])
    return PeerTimes(count, digest, seconds)
