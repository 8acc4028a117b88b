"""Whether the stream's tables are what the file says, row for row and column for column, and the ledger what they are.

Tables are read by three readers: Spark, deltalake, and DuckDB from the parquet files as WebHDFS gives them. Each is compared
with benchmarks/stream_expected.py as a bag of rows: a row that is there too often is as wrong as one that is missing.
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

from cdp.paths import table_url
from cdp.postgres import connection_arguments
from cdp.settings import Settings
from cdp.warehouse import STREAM_LEDGER
from infra.stack.services.hdfs import USER
from source_server.intake.sql import literal
from streaming.tables import EVENTS_TABLE, QUARANTINE_TABLE, Table

#: Table of the stream -> what it is held against. The sentence in `detail` is the parser's own and in no file.
TABLES: Mapping[Table, str] = {EVENTS_TABLE: "expected_events", QUARANTINE_TABLE: "expected_quarantine"}
OWN_WORDS = ("detail",)
DOWNLOADS = 8
#: What is held against the messages of the ledger.
BOOK = pa.schema([("hour", pa.timestamp("us")), ("received", pa.int64()), ("good", pa.int64()), ("quarantined", pa.int64())])
_TYPES = {"string": "VARCHAR", "binary": "BLOB"}

#: A table of the stream as something that DuckDB selects from.
Reader = Callable[[duckdb.DuckDBPyConnection, Table], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one table that one reader does not find, or finds and should not."""

    reader: str
    table: str
    missing: int
    too_many: int
    example: str

    def __str__(self) -> str:
        return f"{self.reader} finds {self.table} with {self.missing:,} rows missing, {self.too_many:,} too many: {self.example}"


def differences(connection: duckdb.DuckDBPyConnection, readers: Mapping[str, Reader]) -> Iterator[Difference]:
    """Of every reader and table that is not exactly what is expected. Empty: they are the same."""
    for name, reader in readers.items():
        for table, expected in TABLES.items():
            columns = _columns(table)
            found = f"SELECT {columns} FROM {reader(connection, table)}"
            yield from _difference(connection, name, table.name, f"SELECT {columns} FROM {expected}", found)


def sent_and_logged(connection: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    """Whether the messages of the log are those that the source made of the file."""
    return _difference(connection, "a consumer", "the log", "SELECT line FROM sent", "SELECT line FROM log")


def ledger_off(connection: duckdb.DuckDBPyConnection, book: pa.Table) -> Iterator[Difference]:
    """Whether the ledger's hours are those of the messages."""
    connection.register("book", book)
    hour = "date_trunc('hour', received_at)"
    messages = f"""
        SELECT {hour} AS hour, true AS good FROM expected_events
        UNION ALL SELECT {hour}, false FROM expected_quarantine"""
    expected = f"""
        SELECT hour, count(*)::BIGINT AS received, count_if(good)::BIGINT AS good, count_if(NOT good)::BIGINT AS quarantined
        FROM ({messages}) GROUP BY 1"""
    found = """
        SELECT hour::TIMESTAMP, sum(received)::BIGINT, sum(good)::BIGINT, sum(quarantined)::BIGINT FROM book GROUP BY 1"""
    return _difference(connection, "the ledger", "its hours", expected, found)


def read_ledger(settings: Settings, topic: str) -> pa.Table:
    """The ledger's rows of a topic: hour, received, good, quarantined. The one place that knows where it is kept."""
    wanted = f"SELECT hour AT TIME ZONE 'UTC', received, good, quarantined FROM {STREAM_LEDGER.full_name} WHERE topic = %s"
    with closing(psycopg2.connect(**connection_arguments(settings, "cdp bench"))) as connection, connection.cursor() as cursor:
        cursor.execute(wanted, [topic])
        return pa.Table.from_pylist([dict(zip(BOOK.names, row, strict=True)) for row in cursor.fetchall()], BOOK)


def by_deltalake(settings: Settings) -> Reader:
    def read(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
        name = f"deltalake_{table.name}"
        connection.register(name, DeltaTable(table_url(settings, table.name)).to_pyarrow_table())
        return name

    return read


def by_duckdb(settings: Settings, folder: Path) -> Reader:
    """The live files copied by WebHDFS as they are; DuckDB alone reads them."""

    def read(_: duckdb.DuckDBPyConnection, table: Table) -> str:
        uris = DeltaTable(table_url(settings, table.name)).file_uris()
        client = InsecureClient(settings.hdfs_http, user=USER, timeout=60)
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(lambda uri: _download(client, uri.removeprefix(settings.hdfs_url), folder), uris))
        place = folder / f"{settings.hdfs_root}/{table.name}".lstrip("/")
        return f"read_parquet({literal(str(place / '**' / '*.parquet'))}, hive_partitioning = true)"

    return read


def by_spark(spark: SparkSession, settings: Settings, folder: Path) -> Reader:
    """Spark reads the table and writes what it found to the local disk."""

    def read(_: duckdb.DuckDBPyConnection, table: Table) -> str:
        place = folder / "spark" / table.name
        spark.read.format("delta").load(table_url(settings, table.name)).write.parquet(f"file:{place}")
        return f"read_parquet({literal(str(place / '*.parquet'))})"

    return read


def _download(client: InsecureClient, path: str, folder: Path) -> None:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download(path, str(target))


def _columns(table: Table) -> str:
    """All columns in the order and with the types of the table, whatever a reader makes of them."""
    fields = [(field.name, field.dataType.simpleString()) for field in table.schema if field.name not in OWN_WORDS]
    return ", ".join(f'"{name}"::{_TYPES.get(kind, kind)} AS "{name}"' for name, kind in fields)


def _difference(
    connection: duckdb.DuckDBPyConnection, reader: str, table: str, expected: str, found: str
) -> Iterator[Difference]:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE wanted AS {expected}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE there AS {found}")
    connection.execute("CREATE OR REPLACE TEMP TABLE missing AS FROM wanted EXCEPT ALL FROM there")
    connection.execute("CREATE OR REPLACE TEMP TABLE too_many AS FROM there EXCEPT ALL FROM wanted")
    missing, too_many = (len(connection.sql(f"SELECT 1 FROM {name}")) for name in ("missing", "too_many"))
    if missing or too_many:
        example = connection.sql("(FROM missing LIMIT 1) UNION ALL (FROM too_many LIMIT 1)").fetchall()
        yield Difference(reader, table, missing, too_many, " beside ".join(map(str, example)))
