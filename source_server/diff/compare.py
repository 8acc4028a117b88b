"""The changes between two snapshots, in the order of the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdp.events.reading.sql import literal, name
from source_server.diff.export import ROW
from source_server.diff.snapshots import BATCH_ROWS, Snapshots


@dataclass(frozen=True, slots=True)
class Transition:
    """From one snapshot of a table to the next. Without a base, all rows are sent, as at the first time."""

    base: str
    target: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """`key`, `before` and `after` are JSON; before or after is missing if the row was inserted or deleted."""

    key: str
    before: str | None
    after: str | None
    op: str  # Debezium's letter


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """How many rows changed between two snapshots."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


def count_changes(snapshots: Snapshots, transition: Transition) -> ChangeCounts:
    query = f"""
        SELECT count(*) FILTER (before IS NULL), count(*) FILTER (before IS NOT NULL AND after IS NOT NULL),
            count(*) FILTER (after IS NULL)
        FROM ({_make_query(snapshots, transition)})"""
    with snapshots.open_engine() as engine:
        counts = engine.execute(query).fetchone()
    return ChangeCounts(*(counts or ()))


def iterate_changes(snapshots: Snapshots, transition: Transition, skip: int = 0) -> Iterator[RowChange]:
    """The changes after the first `skip` ones."""
    query = f"{_make_query(snapshots, transition)} ORDER BY {snapshots.list_keys()} OFFSET {skip}"
    with snapshots.open_engine() as engine:
        for batch in engine.sql(query).to_arrow_reader(BATCH_ROWS):
            columns = (batch.column(each).to_pylist() for each in ("key", "before", "after"))
            for key, before, after in zip(*columns, strict=True):
                yield RowChange(key, before, after, _choose_op(transition, before, after))


def _choose_op(transition: Transition, before: str | None, after: str | None) -> str:
    if not transition.base:
        return "r"
    if before is None:
        return "c"
    return "u" if after is not None else "d"


def _make_query(snapshots: Snapshots, transition: Transition) -> str:
    keys, row, key = snapshots.list_keys(), name(ROW), snapshots.make_key_json()
    target = f"read_parquet({literal(str(snapshots.path_of(transition.target)))})"
    if not transition.base:
        return f"SELECT {keys}, {key} AS key, CAST(NULL AS VARCHAR) AS before, {row} AS after FROM {target}"
    base = f"read_parquet({literal(str(snapshots.path_of(transition.base)))})"
    return f"""
        SELECT {keys}, {key} AS key, b.{row} AS before, t.{row} AS after
        FROM {base} AS b FULL JOIN {target} AS t USING ({keys})
        WHERE b.{row} IS DISTINCT FROM t.{row}"""
