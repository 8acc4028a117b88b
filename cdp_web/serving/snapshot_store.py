"""Snapshots on the local disk: one DuckDB file per publication, written under another name and renamed, under a lock between
processes. A file holds two tables: `customers`, numbered in the order of their ids, and `interactions` with these numbers; and
two small ones made from them: `interaction_volumes` and `interaction_values`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from filelock import FileLock, Timeout
from pyarrow import dataset

from cdp.errors import first_line
from cdp.kinds import METRIC_KINDS, MONEY, PRICE
from cdp.lake.paths import CUSTOMERS, INTERACTIONS, table_url
from cdp.metrics import METRICS
from cdp.rules.behaviours import EVENT_FIELDS
from cdp.settings import current
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication

TABLE = "customers"
#: The number of a customer in both tables: smaller and quicker than the id, and in the same order.
KEY = "customer"
#: The columns of `interactions` that rules read.
INTERACTION_COLUMNS = {
    "day": "DATE", "hour": "TINYINT", "event_type": "VARCHAR", "product_id": "VARCHAR", "category_1": "VARCHAR",
    "category_2": "VARCHAR", "category_3": "VARCHAR", "brand": "VARCHAR", "price": PRICE, "events": "BIGINT",
    "quantity": "BIGINT", "money": MONEY,
}  # fmt: skip
#: Rows of `interactions` by type of event and day, for estimates.
VOLUMES = "interaction_volumes"
#: Every text of a field of `interactions` or of a metric, with the number of its customers, for suggestions.
VALUES = "interaction_values"
VALUE_FIELDS = tuple(field.key for field in EVENT_FIELDS if field.kind == "text")
VALUE_METRICS = tuple(metric.key for metric in METRICS if metric.kind == "text")
BUILD_MEMORY = "1GB"
#: The serving one, and the one before it for queries that are still running.
FILES_KEPT = 2
LOCK_WAIT_SECONDS = 20


def get_folder() -> Path:
    return current().state_dir / "web" / "snapshots"


def get_recommendations_folder() -> Path:
    """The only files beside the snapshot that a query can reach."""
    return get_folder() / "recommendations"


def open_customers(publication: Publication) -> Any:
    """The customers of a publication in the Delta table on HDFS, as a stream. Tests replace this function."""
    return open_table(CUSTOMERS, publication.customers_version)


def open_interactions(publication: Publication) -> Any:
    """The interactions of a publication. Tests replace this function."""
    return open_table(INTERACTIONS, publication.interactions_version)


def open_table(table: str, version: int) -> Any:
    url = table_url(current(), table)
    try:
        return stream_rows(DeltaTable(url, version=version).to_pyarrow_dataset())
    except (DeltaError, OSError) as error:
        raise SnapshotUnavailable(f"{url} at version {version}: {_find_cause(error)}") from error


def stream_rows(table: dataset.Dataset) -> pa.RecordBatchReader:
    """Few rows at a time: Arrow would read ahead by gigabytes, which no limit of DuckDB counts."""
    return table.scanner(batch_size=32_768, batch_readahead=2, fragment_readahead=1).to_reader()


def snapshot_path(publication: Publication) -> Path:
    return get_folder() / f"snapshot-{publication.id}-{publication.customers_version}-{publication.interactions_version}.duckdb"


def snapshot_ensure(publication: Publication) -> Path:
    """The file of a publication, built if it is missing. Callers wait while another process builds it."""
    path = snapshot_path(publication)
    if path.is_file():
        return path
    get_folder().mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(get_folder() / "lock").acquire(timeout=LOCK_WAIT_SECONDS)
    except Timeout:
        raise SnapshotUnavailable("A new snapshot of the customers is being prepared.") from None
    with lock:
        if not path.is_file():
            snapshot_build(publication, path)
            _delete_stale(path)
    return path


def snapshot_build(publication: Publication, path: Path) -> None:
    """Write the file of a publication. The caller holds a lock."""
    with write_database(path, f"The snapshot of publication {publication.id}") as db:
        db.register("customers_source", open_customers(publication))
        db.register("interactions_source", open_interactions(publication))
        db.execute(_BUILD_CUSTOMERS)
        _check_counts(db, publication)
        db.execute(_BUILD_INTERACTIONS, [publication.day])
        db.execute(_BUILD_VOLUMES)
        _check_events(db, publication)
        db.execute(_BUILD_VALUES)


@contextmanager
def write_database(path: Path, what: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new DuckDB file, which gets its name when it is complete. The message of an error begins with `what`."""
    new_path = path.with_suffix(f".{os.getpid()}.new")
    try:
        with duckdb.connect(str(new_path)) as db:
            db.execute("SET enable_progress_bar = false")
            db.execute(f"SET memory_limit = '{BUILD_MEMORY}'")
            yield db
        new_path.rename(path)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise SnapshotUnavailable(f"{what}: {first_line(error)}") from error
    finally:
        new_path.unlink(missing_ok=True)


_METRICS = ", ".join(f"CAST({metric.key} AS {METRIC_KINDS[metric.kind].duckdb}) AS {metric.key}" for metric in METRICS)
_BUILD_CUSTOMERS = f"""
    CREATE TABLE {TABLE} AS SELECT CAST(row_number() OVER () AS INTEGER) AS {KEY}, *
    FROM (SELECT CAST(customer_id AS VARCHAR) AS customer_id, {_METRICS} FROM customers_source ORDER BY customer_id)"""
_INTERACTIONS = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in INTERACTION_COLUMNS.items())
#: Sorted, so that a query reads only the rows of its type of event and days.
_BUILD_INTERACTIONS = f"""
    CREATE TABLE {INTERACTIONS} AS SELECT {KEY}, {_INTERACTIONS}
    FROM interactions_source JOIN {TABLE} USING (customer_id) WHERE day <= ? ORDER BY event_type, day, {KEY}"""

_BUILD_VOLUMES = f"CREATE TABLE {VOLUMES} AS SELECT event_type, day, count(*) AS rows FROM {INTERACTIONS} GROUP BY ALL"

_FIELD_VALUES = (
    f"SELECT '{name}' AS field, {name} AS value, count(DISTINCT {KEY}) AS customers FROM {INTERACTIONS} GROUP BY {name}"
    for name in VALUE_FIELDS
)
_METRIC_VALUES = (f"SELECT '{name}', {name}, count(*) FROM {TABLE} GROUP BY {name}" for name in VALUE_METRICS)
#: Sorted, so that a query reads only the rows of its field.
_BUILD_VALUES = f"""
    CREATE TABLE {VALUES} AS FROM ({" UNION ALL ".join((*_FIELD_VALUES, *_METRIC_VALUES))})
    WHERE value IS NOT NULL ORDER BY field, customers DESC, value"""


def _check_counts(db: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Raise SnapshotUnavailable unless the counts are those of the publication: a wrong snapshot must never answer."""
    counts = db.execute(f"SELECT count(*), count(DISTINCT customer_id) FROM {TABLE}").fetchone()
    rows, customers = counts or (0, 0)
    expected_customers = publication.counts.get("customers", customers)
    if rows != customers or customers != expected_customers:
        raise SnapshotUnavailable(
            f"Publication {publication.id} has {expected_customers} customers, but its table has {customers} in {rows} rows."
        )


def _check_events(db: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """As above, for the events of all customers."""
    (events,) = db.execute(f"SELECT coalesce(sum(events), 0)::BIGINT FROM {INTERACTIONS}").fetchone() or (0,)
    expected_events = publication.counts.get("events", events)
    if events != expected_events:
        raise SnapshotUnavailable(
            f"Publication {publication.id} has {expected_events} events, but its interactions add up to {events}."
        )


def _delete_stale(current_path: Path) -> None:
    """Delete files of older publications except the current one; a reader that has a file open can go on reading it. Also delete
    the remains of killed builds: only the holder of the lock builds."""
    files = sorted(get_folder().glob("snapshot-*.duckdb"), key=_parse_publication_id, reverse=True)
    unfinished = get_folder().glob("*.new*")
    for file in {*files[FILES_KEPT:], *unfinished} - {current_path}:
        file.unlink(missing_ok=True)


def _parse_publication_id(file: Path) -> int:
    return int(file.name.split("-")[1])


def _find_cause(error: Exception) -> str:
    """The innermost reason. deltalake prints its chain of errors as a coloured tree with the cause last."""
    plain = re.sub(r"\x1b\[\d*m|↳", "", str(error)).strip()
    return plain.splitlines()[-1].strip() if plain else type(error).__name__
