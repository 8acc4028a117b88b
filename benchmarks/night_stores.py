"""Measures how fast Postgres and the store of profiles take the night's rows, next to the simplest ways to write them: the same
rows by one COPY from a finished file, and the same finished documents by one client.

"Ours" is the night's own code, from rows that Spark has in memory. Both write into empty tables with the same indexes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import psycopg2
from psycopg2.extensions import connection as Connection
from pymongo import ReplaceOne
from pyspark.sql import DataFrame, SparkSession

from batch.customers.documents import Written, document
from batch.customers.profiles import as_json, profiles
from batch.customers.snapshot import CUSTOMER_ID
from batch.hdfs.tables import read_history
from batch.stores.copy import copy_lines, lines_of
from batch.stores.mart import connection_arguments
from batch.stores.profile_store import DOCUMENTS_AT_A_TIME, Place, write_documents
from batch.stores.staging import Staging
from cdp.lake.paths import CUSTOMER_DAY as DAYS_TABLE
from cdp.lake.paths import CUSTOMERS, table_url
from cdp.mart.daily import CUSTOMER_DAY
from cdp.settings import Settings, current
from cdp.spark import session

#: The peer has all of them in memory before it starts.
MOST_PROFILES = 50_000
OURS, BARE = "bench_ours", "bench_bare"
#: Runs of ours and of the peer, in turn; the quickest of each counts.
TIMES = 2
#: What is written, and what the peer is.
PEERS = {"rows of customer_day": "one COPY from a finished file", "profiles": "one client with finished documents"}
#: Number of rows, the seconds of ours, the seconds of the peer.
StoreTimes = tuple[int, float, float]


def main(day: date, folder: Path) -> None:
    settings = current()
    spark = session(settings, "bench stores", settings.spark_job_cores, quiet=True)
    connection = psycopg2.connect(**connection_arguments(settings))
    rows = _time_customer_days(spark, settings, connection, folder / "customer_day.copy")
    documents = _time_profiles(spark, settings, day)
    connection.close()
    spark.stop()
    print(json.dumps(dict(zip(PEERS, (rows, documents), strict=True))))


def _time_customer_days(spark: SparkSession, settings: Settings, connection: Connection, file: Path) -> StoreTimes:
    """The number of rows, and the seconds of the night's COPY and of the bare one."""
    lines = lines_of(read_history(spark, settings, DAYS_TABLE), CUSTOMER_DAY).persist()
    rows = lines.count()
    staging = Staging(connection, settings)
    _write_file(connection, file)
    ours, bare = [], []
    for _ in range(TIMES):
        staging.fill([CUSTOMER_DAY], lines.limit(0))
        ours.append(_time(lambda: copy_lines(lines, [CUSTOMER_DAY], connection_arguments(settings))))
        staging.fill([CUSTOMER_DAY], lines.limit(0))
        bare.append(_time(lambda: _copy(connection, file)))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {CUSTOMER_DAY.next_name}")
    lines.unpersist()
    file.unlink()
    return rows, min(ours), min(bare)


def _write_file(connection: Connection, file: Path) -> None:
    with connection, connection.cursor() as cursor, file.open("w") as out:
        cursor.copy_expert(f"COPY (SELECT * FROM {CUSTOMER_DAY.full_name}) TO STDOUT", out)


def _copy(connection: Connection, file: Path) -> None:
    with connection, connection.cursor() as cursor, file.open() as lines:
        cursor.copy_expert(f"COPY {CUSTOMER_DAY.next_name} FROM STDIN", lines)


def _time_profiles(spark: SparkSession, settings: Settings, day: date) -> StoreTimes:
    """The number of documents, and the seconds of the night's writes and of the bare ones."""
    customers = spark.read.format("delta").load(table_url(settings, CUSTOMERS)).orderBy(CUSTOMER_ID).limit(MOST_PROFILES)
    rows: DataFrame = profiles(customers, read_history(spark, settings, DAYS_TABLE), day).persist()
    count = rows.count()
    written = Written(day, 0)
    documents = (document(orjson.loads(text), written) for text in as_json(rows).collect())
    changes = [ReplaceOne({"_id": profile["_id"]}, profile, upsert=True) for profile in documents]
    ours, bare = [], []
    for _ in range(TIMES):
        _drop(settings)
        ours.append(_time(lambda: write_documents(Place(settings.mongo_url, settings.mongo_database, OURS), rows, written)))
        bare.append(_time(lambda: _replace(settings, changes)))
    _drop(settings)
    return count, min(ours), min(bare)


def _replace(settings: Settings, changes: Sequence[ReplaceOne[dict[str, Any]]]) -> None:
    place = Place(settings.mongo_url, settings.mongo_database, BARE)
    with place.client() as client:
        for first in range(0, len(changes), DOCUMENTS_AT_A_TIME):
            place.of(client).bulk_write(changes[first : first + DOCUMENTS_AT_A_TIME], ordered=False)


def _drop(settings: Settings) -> None:
    for collection in (OURS, BARE):
        place = Place(settings.mongo_url, settings.mongo_database, collection)
        with place.client() as client:
            place.of(client).drop()


def _time(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]), Path(sys.argv[2]))
