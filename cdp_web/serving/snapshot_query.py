"""Queries on a snapshot: read-only, without access to the file system, and limited in time and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.lake.paths import RECOMMENDATIONS
from cdp.metrics import BY_KEY, Metric
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_store import FILES_KEPT, KEY, TABLE, VOLUMES, get_recommendations_folder, snapshot_ensure

OPTIONS: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB", "threads": 2}
_OPENING = threading.Lock()
LIST_MEMBERS = "list_members"
#: Recommended products and categories with the number of their customers, for suggestions.
RECOMMENDATION_VALUES = "recommendation_values"
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
_LIST_SCHEMA = pa.schema([("list_id", pa.int64()), ("customer_id", pa.string())])


class QueryTooSlow(SnapshotUnavailable):
    code = "too_slow"
    title = gettext_lazy("The query takes too long")
    remedy = gettext_lazy("Make the rule simpler, or try again later.")


class QueryTooLarge(SnapshotUnavailable):
    code = "too_large"
    title = gettext_lazy("The query needs too much memory")
    remedy = gettext_lazy("Make the rule simpler, or try again later.")


@lru_cache(maxsize=FILES_KEPT)
def _open_database(path: str) -> duckdb.DuckDBPyConnection:
    """A file that is still open keeps the configuration of the first time; threads may open it at the same moment."""
    with _OPENING:
        database = duckdb.connect(path, read_only=True, config=OPTIONS)
        (is_locked,) = database.execute("SELECT current_setting('lock_configuration')").fetchone() or (False,)
        if not is_locked:
            database.execute(f"SET allowed_directories = ['{get_recommendations_folder()}/']")
            database.execute("SET enable_external_access = false; SET lock_configuration = true")
    return database


@dataclass(frozen=True, slots=True)
class Session:
    """Several queries of one purpose on one snapshot: they share temporary tables, a time limit and a way to cancel."""

    cursor: duckdb.DuckDBPyConnection

    def execute(self, sql: str) -> None:
        self.cursor.execute(sql)

    def read_rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        self.cursor.execute(sql, list(parameters))
        names = [column[0] for column in self.cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self.cursor.fetchall()]

    def read_row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        return tuple(self.cursor.execute(sql, list(parameters)).fetchone() or ())

    def read_table(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self.cursor.sql(sql, params=list(parameters)).to_arrow_table()

    def read_chunks(self, sql: str, size: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, in lists of `size` rows."""
        self.cursor.execute(sql)
        while rows := self.cursor.fetchmany(size):
            yield rows

    def load_lists(self, members: Mapping[int, Sequence[str]]) -> None:
        """The table that rules read uploaded lists from; ids that no customer has are left out."""
        rows = [(number, customer_id) for number, ids in members.items() for customer_id in ids]
        columns = list(zip(*rows, strict=True)) or [(), ()]
        self.cursor.register("uploaded", pa.table([pa.array(list(column)) for column in columns], schema=_LIST_SCHEMA))
        self.cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE {LIST_MEMBERS} AS SELECT list_id, {KEY} FROM uploaded JOIN {TABLE} USING (customer_id)"
        )
        self.cursor.unregister("uploaded")

    def load_recommendations(self, path: Path | None) -> None:
        """The table that rules read recommendations from; empty without a file."""
        if path is None:
            columns = f"{KEY} INTEGER, place INTEGER, product_id VARCHAR, category VARCHAR"
            self.cursor.execute(f"CREATE OR REPLACE TEMP TABLE {RECOMMENDATIONS} ({columns})")
            return
        self.cursor.execute(f"ATTACH IF NOT EXISTS '{path}' AS \"{path.stem}\" (READ_ONLY)")
        for name in (RECOMMENDATIONS, RECOMMENDATION_VALUES):
            self.cursor.execute(f'CREATE OR REPLACE TEMP VIEW {name} AS FROM "{path.stem}".{name}')


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The customers of one publication. All results from one snapshot are consistent."""

    publication: Publication
    path: str

    def read_rows(self, sql: str, parameters: Sequence[Any] = (), seconds: float = 10) -> list[dict[str, Any]]:
        with self.open_session(seconds) as session:
            return session.read_rows(sql, parameters)

    def read_row(self, sql: str, parameters: Sequence[Any] = (), seconds: float = 10) -> tuple[Any, ...]:
        with self.open_session(seconds) as session:
            return session.read_row(sql, parameters)

    def count_customers(self) -> int:
        return int(self.read_row(f"SELECT count(*) FROM {TABLE}")[0])

    def count_rows(self, event_type: str, first: date | None, last: date) -> int:
        """Rows of `interactions` by type of event ("any" for all) and days."""
        sql = f"SELECT coalesce(sum(rows), 0) FROM {VOLUMES} WHERE $1 IN ('any', event_type) AND day BETWEEN $2 AND $3"
        return int(self.read_row(sql, [event_type, first or date.min, last])[0])

    @contextmanager
    def open_session(
        self, seconds: float, on_open: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    ) -> Iterator[Session]:
        """`on_open` receives the cursor, so another thread can interrupt it."""
        cursor = _open_database(self.path).cursor()
        timer = threading.Timer(seconds, cursor.interrupt)
        timer.start()
        try:
            if on_open:
                on_open(cursor)
            yield Session(cursor)
        except duckdb.InterruptException as error:
            raise QueryTooSlow(_("No result within %(seconds)s seconds.") % {"seconds": f"{seconds:g}"}) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryTooLarge(f"The query needs more than {OPTIONS['memory_limit']}.") from error
        finally:
            timer.cancel()
            cursor.close()


def snapshot_open(publication: Publication) -> Snapshot:
    return Snapshot(publication, str(snapshot_ensure(publication)))
