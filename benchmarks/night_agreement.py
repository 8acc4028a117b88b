"""Checks every metric of every customer and every row of the charts' tables. A generated history goes the whole way from the
source through Kafka, stream, HDFS and the night, and DuckDB computes the same from its file (`tests/oracle/`). Nothing may
differ."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psycopg2
from deltalake import DeltaTable

from benchmarks.history import make_history
from benchmarks.outcome import Goal, Outcome
from cdp import postgres
from cdp.kinds import KINDS
from cdp.lake.paths import CUSTOMERS, table_url
from cdp.mart.charts import CHART_TABLES
from cdp.mart.table import Table
from cdp.settings import Settings
from infra.stack.services.spark import build_environment
from infra.stack.stack import Stack
from source_server.generate import LAST_DAY
from source_server.intake import mapping_for, store
from source_server.produce.producer import produce
from tests.oracle.customers import READ, customers_sql
from tests.oracle.events import read_events, read_file
from tests.oracle.tables import READ_TABLES, table_sql

EVENTS = 300_000
#: Long enough for every window and every stage of the lifecycle.
HISTORY_DAYS = 150
LONGEST = 3600


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night-agreement")
    path = stack.state / "bench.parquet"
    make_history(path, round(EVENTS * scale), days=HISTORY_DAYS)
    dataset = store.add(stack.settings, path, mapping_for(None))
    produce(stack.settings, dataset.name)
    outcome.measure("messages", dataset.rows, "")
    outcome.measure("stream", _time_module(stack, "streaming", "--once"), "s")
    outcome.measure(f"night of {LAST_DAY}", _time_module(stack, "batch", "--day", str(LAST_DAY)), "s")
    with duckdb.connect() as duck:
        outcome.measure("the second computation", _compute_again(duck, path), "s", "DuckDB, from the file, one process")
        duck.register("snapshot", DeltaTable(table_url(stack.settings, CUSTOMERS)).to_pyarrow_dataset())
        compare(duck, outcome)
        read_mart(duck, stack.settings, stack.state)
        compare_tables(duck, outcome)
    return outcome


def _time_module(stack: Stack, module: str, *arguments: str) -> float:
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=stack.base_env | build_environment(stack), capture_output=True, text=True,
        timeout=LONGEST,
    )  # fmt: skip
    if result.returncode:
        raise RuntimeError(f"{module} failed: {result.stdout[-500:]} {result.stderr[-2000:]}")
    return time.monotonic() - start


def _compute_again(duck: duckdb.DuckDBPyConnection, path: Path) -> float:
    start = time.monotonic()
    read_file(duck, path)
    read_events(duck)
    duck.execute(f"CREATE TABLE again AS {customers_sql(LAST_DAY)}")
    for name in READ_TABLES:
        duck.execute(f"CREATE TABLE {name}_again AS {table_sql(name, LAST_DAY)}")
    return time.monotonic() - start


def compare(duck: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Compare `snapshot`, the night's result, with `again`."""
    duck.execute("CREATE TABLE ours AS SELECT * FROM snapshot")
    outcome.measure("customers", _read_number(duck, "SELECT count(*) FROM ours"), "")
    only_one = "SELECT count(*) FROM ours o FULL JOIN again a USING (customer_id) WHERE o.views IS NULL OR a.views IS NULL"
    outcome.goals.append(Goal("customers that only one of the two has", _read_number(duck, only_one), 0, at_least=False))
    differing = {key: _count_differing(duck, key) for key in READ}
    for key, number in differing.items():
        if number:
            outcome.measure(f"{key} differs", number, "customers")
    outcome.measure(
        "values compared", len(READ) * _read_number(duck, "SELECT count(*) FROM ours JOIN again USING (customer_id)"), ""
    )
    outcome.goals.append(Goal("values that differ", sum(differing.values()), 0, at_least=False))


def read_mart(duck: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> None:
    """Copy the tables of Postgres into DuckDB, under the same names."""
    connection = psycopg2.connect(**postgres.connection_arguments(settings, "cdp bench"))
    try:
        for table in CHART_TABLES:
            path = folder / f"{table.name}.csv"
            with connection.cursor() as cursor, path.open("w") as file:
                rows = f"SELECT {', '.join(table.column_names)} FROM {table.full_name}"  # COPY takes no partitioned table by name
                cursor.copy_expert(f"COPY ({rows}) TO STDOUT (FORMAT csv, NULL '\\N')", file)
            duck.execute(f"CREATE TABLE {table.name} ({_column_types(table)})")
            duck.execute(f"COPY {table.name} FROM '{path}' (FORMAT csv, NULLSTR '\\N', HEADER false)")
            path.unlink()
    finally:
        connection.close()


def compare_tables(duck: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Compare each table with its `_again` table as bags of rows."""
    rows, differing = 0, 0
    for table in CHART_TABLES:
        columns = ", ".join(table.column_names)
        again = ", ".join(f"CAST({c.name} AS {KINDS[c.kind].duckdb}) AS {c.name}" for c in table.columns)
        ours, theirs = f"SELECT {columns} FROM {table.name}", f"SELECT {again} FROM {table.name}_again"
        number = _read_number(duck, f"SELECT count(*) FROM (({ours} EXCEPT ALL {theirs}) UNION ALL ({theirs} EXCEPT ALL {ours}))")
        if number:
            outcome.measure(f"{table.name} differs", number, "rows")
        rows += _read_number(duck, f"SELECT count(*) FROM {table.name}")
        differing += number
    outcome.measure("rows of tables compared", rows, "")
    outcome.goals.append(Goal("rows of tables that differ", differing, 0, at_least=False))


def _column_types(table: Table) -> str:
    return ", ".join(f"{column.name} {KINDS[column.kind].duckdb}" for column in table.columns)


def _count_differing(duck: duckdb.DuckDBPyConnection, key: str) -> int:
    return _read_number(
        duck, f"SELECT count(*) FROM ours o JOIN again a USING (customer_id) WHERE o.{key} IS DISTINCT FROM a.{key}"
    )


def _read_number(duck: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = duck.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
