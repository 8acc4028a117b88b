"""Deletes what was shown and clicked long ago, on HDFS and in Postgres. The results of each day stay."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from deltalake import DeltaTable
from psycopg2.extensions import connection as Connection

from batch.hdfs.changes import group_files
from cdp.lake.paths import table_url
from cdp.lake.tables import EXPOSURES_TABLE
from cdp.mart.recommend import CLICK, EXPOSURE, LATENCY, RESULT_DAY, SEEN
from cdp.settings import Settings

_TIMES = {EXPOSURE: "served_at", SEEN: "seen_at", CLICK: "clicked_at", LATENCY: "minute"}


class Deleted(RuntimeError):
    """Lists that the results need were deleted. The message says from which day."""


def require_kept(connection: Connection, settings: Settings, first: date) -> None:
    """A day since `first` that has results but no lists has lost its lists."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(day) FROM {RESULT_DAY.full_name} WHERE day >= %s", [first])
        (day,) = cursor.fetchone() or (None,)
    oldest = min(_list_days(_open_table(settings)), default=None)
    if day and oldest and day < oldest:
        raise Deleted(
            f"the lists of {day} were deleted: HDFS has those since {oldest} (CDP_RECOMMEND_EXPOSURE_DAYS). Choose a later"
            " day; the results of earlier days stay as they are."
        )


def delete_old(connection: Connection, settings: Settings, first: date) -> None:
    """Delete the rows of the days before `first`. The night's upkeep deletes their files when the retention of HDFS ends."""
    with connection.cursor() as cursor:
        for table, column in _TIMES.items():
            cursor.execute(f"DELETE FROM {table.full_name} WHERE {column} < %s::date AT TIME ZONE 'UTC'", [first])
    delta = _open_table(settings)
    if min(_list_days(delta), default=first) < first:
        delta.delete(f"{EXPOSURES_TABLE.partition} < '{first}'")


def _open_table(settings: Settings) -> DeltaTable:
    return DeltaTable(table_url(settings, EXPOSURES_TABLE.name))


def _list_days(table: DeltaTable) -> Collection[date]:
    return group_files(table, EXPOSURES_TABLE.partition, "path")
