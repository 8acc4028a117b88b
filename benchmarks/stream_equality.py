"""Compares the stream's tables with the file, row for row and column for column, and the ledger with the tables.

Three readers read the tables: Spark, deltalake, and DuckDB from the parquet files that WebHDFS returns. Each is compared with
benchmarks/stream_expected.py as a bag of rows: a surplus row is as wrong as a missing one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg2
import pyarrow as pa
from deltalake import DeltaTable
from hdfs import InsecureClient
from pyspark.sql import SparkSession

from cdp.events.reading.sql import literal
from cdp.lake.paths import table_url
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, LakeTable
from cdp.mart.daily import STREAM_LEDGER
from cdp.postgres import connection_arguments
from cdp.settings import Settings
from cdp.spark import lake_schema
from infra.stack.services.hdfs import USER

#: Table of the stream -> the table of expected rows. The text in `detail` comes from the parser, so no file can tell it.
TABLES: Mapping[LakeTable, str] = {EVENTS_TABLE: "expected_events", QUARANTINE_TABLE: "expected_quarantine"}
PARSER_COLUMNS = ("detail",)
DOWNLOADS = 8
#: The ledger's rows that are compared with the messages.
LEDGER_ROWS = pa.schema(
    [("hour", pa.timestamp("us")), ("received", pa.int64()), ("good", pa.int64()), ("quarantined", pa.int64())]
)
_TYPES = {"string": "VARCHAR", "binary": "BLOB"}

#: A table of the stream as something that DuckDB selects from.
Reader = Callable[[duckdb.DuckDBPyConnection, LakeTable], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """The missing and surplus rows of one table by one reader."""

    reader: str
    table: str
    missing: int
    too_many: int
    example: str

    def __str__(self) -> str:
        return f"{self.reader} finds {self.table} with {self.missing:,} rows missing, {self.too_many:,} too many: {self.example}"


def differences(connection: duckdb.DuckDBPyConnection, readers: Mapping[str, Reader]) -> Iterator[Difference]:
    """A difference for each reader and table with other rows than expected."""
    for name, reader in readers.items():
        for table, expected in TABLES.items():
            columns = _columns(table)
            actual = f"SELECT {columns} FROM {reader(connection, table)}"
            yield from _difference(connection, name, table.name, f"SELECT {columns} FROM {expected}", actual)


def compare_log(connection: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    """Compare the messages of the log with those that the source made of the file."""
    return _difference(connection, "a consumer", "the log", "SELECT line FROM sent", "SELECT line FROM log")


def compare_ledger(connection: duckdb.DuckDBPyConnection, ledger: pa.Table) -> Iterator[Difference]:
    """Compare the ledger's counts of each hour with the messages."""
    connection.register("ledger", ledger)
    hour = "date_trunc('hour', received_at)"
    messages = f"""
        SELECT {hour} AS hour, true AS good FROM expected_events
        UNION ALL SELECT {hour}, false FROM expected_quarantine"""
    expected = f"""
        SELECT hour, count(*)::BIGINT AS received, count_if(good)::BIGINT AS good, count_if(NOT good)::BIGINT AS quarantined
        FROM ({messages}) GROUP BY 1"""
    actual = """
        SELECT hour::TIMESTAMP, sum(received)::BIGINT, sum(good)::BIGINT, sum(quarantined)::BIGINT FROM ledger GROUP BY 1"""
    return _difference(connection, "the ledger", "its hours", expected, actual)


def read_ledger(settings: Settings, topic: str) -> pa.Table:
    """The ledger's rows of a topic: hour, received, good, quarantined."""
    query = f"SELECT hour AT TIME ZONE 'UTC', received, good, quarantined FROM {STREAM_LEDGER.full_name} WHERE topic = %s"
    with closing(psycopg2.connect(**connection_arguments(settings, "cdp bench"))) as connection, connection.cursor() as cursor:
        cursor.execute(query, [topic])
        return pa.Table.from_pylist([dict(zip(LEDGER_ROWS.names, row, strict=True)) for row in cursor.fetchall()], LEDGER_ROWS)


def by_deltalake(settings: Settings) -> Reader:
    def read(connection: duckdb.DuckDBPyConnection, table: LakeTable) -> str:
        name = f"deltalake_{table.name}"
        connection.register(name, DeltaTable(table_url(settings, table.name)).to_pyarrow_table())
        return name

    return read


def by_duckdb(settings: Settings, folder: Path) -> Reader:
    """Copies the live files by WebHDFS; only DuckDB reads them."""

    def read(_: duckdb.DuckDBPyConnection, table: LakeTable) -> str:
        uris = DeltaTable(table_url(settings, table.name)).file_uris()
        client = InsecureClient(settings.hdfs_http, user=USER, timeout=60)
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(lambda uri: _download(client, uri.removeprefix(settings.hdfs_url), folder), uris))
        path = folder / f"{settings.hdfs_root}/{table.name}".lstrip("/")
        return f"read_parquet({literal(str(path / '**' / '*.parquet'))}, hive_partitioning = true)"

    return read


def by_spark(spark: SparkSession, settings: Settings, folder: Path) -> Reader:
    """Spark reads the table and writes its rows to the local disk."""

    def read(_: duckdb.DuckDBPyConnection, table: LakeTable) -> str:
        path = folder / "spark" / table.name
        spark.read.format("delta").load(table_url(settings, table.name)).write.parquet(f"file:{path}")
        return f"read_parquet({literal(str(path / '*.parquet'))})"

    return read


def _download(client: InsecureClient, path: str, folder: Path) -> None:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download(path, str(target))


def _columns(table: LakeTable) -> str:
    """The columns in the table's order, cast to its types, because readers return different ones."""
    fields = [(field.name, field.dataType.simpleString()) for field in lake_schema(table) if field.name not in PARSER_COLUMNS]
    return ", ".join(f'"{name}"::{_TYPES.get(kind, kind)} AS "{name}"' for name, kind in fields)


def _difference(
    connection: duckdb.DuckDBPyConnection, reader: str, table: str, expected: str, actual: str
) -> Iterator[Difference]:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {expected}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE actual AS {actual}")
    connection.execute("CREATE OR REPLACE TEMP TABLE missing AS FROM expected EXCEPT ALL FROM actual")
    connection.execute("CREATE OR REPLACE TEMP TABLE too_many AS FROM actual EXCEPT ALL FROM expected")
    missing, too_many = (len(connection.sql(f"SELECT 1 FROM {name}")) for name in ("missing", "too_many"))
    if missing or too_many:
        example = connection.sql("(FROM missing LIMIT 1) UNION ALL (FROM too_many LIMIT 1)").fetchall()
        yield Difference(reader, table, missing, too_many, " beside ".join(map(str, example)))
