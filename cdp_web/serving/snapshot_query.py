"""Queries on a snapshot: read-only, without access to the file system, and limited in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from cdp.metrics import BY_KEY, Metric
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_store import FILES_KEPT, TABLE, snapshot_ensure

OPTIONS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": 2,
    "enable_external_access": False,
    "lock_configuration": True,
}
#: The columns of every list of customers after the customer's id. The page of one customer shows all metrics.
LIST_COLUMNS: tuple[Metric, ...] = tuple(
    BY_KEY[key]
    for key in (
        "lifecycle",
        "last_seen",
        "sessions",
        "total_purchase",
        "total_purchase_value",
        "avg_purchase_value",
        "last_order",
    )
)


class QueryTooSlow(SnapshotUnavailable):
    code = "too_slow"
    title = "The query takes too long"
    remedy = "Make the rule simpler, or try again later."


@lru_cache(maxsize=FILES_KEPT)
def _open_database(path: str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(path, read_only=True, config=OPTIONS)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The customers of one publication. All results from one snapshot are consistent."""

    publication: Publication
    path: str

    def read_rows(self, sql: str, parameters: Sequence[Any] = (), seconds: float = 10) -> list[dict[str, Any]]:
        with self._open_cursor(seconds) as cursor:
            cursor.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def read_row(self, sql: str, parameters: Sequence[Any] = (), seconds: float = 10) -> tuple[Any, ...]:
        with self._open_cursor(seconds) as cursor:
            row = cursor.execute(sql, list(parameters)).fetchone()
            return tuple(row or ())

    def read_chunks(self, sql: str, size: int = 10_000, seconds: float = 600) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, in lists of `size` rows."""
        with self._open_cursor(seconds) as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(size):
                yield rows

    def count_customers(self) -> int:
        return int(self.read_row(f"SELECT count(*) FROM {TABLE}")[0])

    @contextmanager
    def _open_cursor(self, seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = _open_database(self.path).cursor()
        timer = threading.Timer(seconds, cursor.interrupt)
        timer.start()
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise QueryTooSlow(f"No result within {seconds:g} seconds.") from error
        finally:
            timer.cancel()
            cursor.close()


def snapshot_open(publication: Publication) -> Snapshot:
    return Snapshot(publication, str(snapshot_ensure(publication)))
