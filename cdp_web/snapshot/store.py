"""Snapshots on the local disk: one DuckDB file per publication, written under another name and renamed, under a lock between
processes."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
from filelock import FileLock, Timeout

from cdp.errors import first_line
from cdp.kinds import METRIC_KINDS
from cdp.metrics import METRICS
from cdp.settings import current
from cdp_web.publications.errors import SnapshotUnavailable
from cdp_web.publications.selectors import Publication
from cdp_web.snapshot import source

TABLE = "customers"
#: The serving one, and the one before it for queries that are still running.
FILES_KEPT = 2
LOCK_WAIT_SECONDS = 20


def get_folder() -> Path:
    return current().state_dir / "web" / "snapshots"


def snapshot_path(publication: Publication) -> Path:
    return get_folder() / f"customers-{publication.id}-{publication.customers_version}.duckdb"


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
            _build(publication, path)
            _delete_stale(path)
    return path


def _build(publication: Publication, path: Path) -> None:
    new_path = path.with_suffix(f".{os.getpid()}.new")
    try:
        with duckdb.connect(str(new_path)) as db:
            db.execute("SET enable_progress_bar = false")
            db.register("source", source.open_customers(publication))
            db.execute(f"CREATE TABLE {TABLE} AS SELECT {_select_columns()} FROM source ORDER BY customer_id")
            _check_counts(db, publication)
        new_path.rename(path)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise SnapshotUnavailable(f"The snapshot of publication {publication.id}: {first_line(error)}") from error
    finally:
        new_path.unlink(missing_ok=True)


def _select_columns() -> str:
    metrics = (f"CAST({metric.key} AS {METRIC_KINDS[metric.kind].duckdb}) AS {metric.key}" for metric in METRICS)
    return ", ".join(("CAST(customer_id AS VARCHAR) AS customer_id", *metrics))


def _check_counts(db: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Raise SnapshotUnavailable unless the counts are those of the publication: a wrong snapshot must never answer."""
    counts = db.execute(f"SELECT count(*), count(DISTINCT customer_id) FROM {TABLE}").fetchone()
    rows, customers = counts or (0, 0)
    expected_customers = publication.counts.get("customers", customers)
    if rows != customers or customers != expected_customers:
        raise SnapshotUnavailable(
            f"Publication {publication.id} has {expected_customers} customers, but its table has {customers} in {rows} rows."
        )


def _delete_stale(current_path: Path) -> None:
    """Delete files of older publications except the current one; a reader that has a file open can go on reading it. Also delete
    the remains of killed builds: only the holder of the lock builds."""
    files = sorted(get_folder().glob("customers-*.duckdb"), key=_parse_publication_id, reverse=True)
    unfinished = get_folder().glob("customers-*.new*")
    for file in {*files[FILES_KEPT:], *unfinished} - {current_path}:
        file.unlink(missing_ok=True)


def _parse_publication_id(file: Path) -> int:
    return int(file.name.split("-")[1])
