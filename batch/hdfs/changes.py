"""Reads the Delta log of the events: the current version, its days, and when each day last changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import PyFileSystem

from batch.plan import ALWAYS
from cdp.days import day_from_text
from cdp.lake.paths import EVENTS, table_url
from cdp.settings import Settings

COMMITS_AT_A_TIME = 8


class NoEvents(RuntimeError):
    """There are no events that a night could publish."""


@dataclass(frozen=True, slots=True)
class EventFile:
    path: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class EventFiles:
    """The files of one version of the events, by day. A table that was created again has another id."""

    table_id: str
    version: int
    days: Mapping[date, list[EventFile]]

    def count_rows(self, day: date) -> int:
        return sum(file.rows for file in self.days.get(day, []))

    def list_paths(self, day: date) -> frozenset[str]:
        return frozenset(file.path for file in self.days.get(day, []))


@dataclass(frozen=True, slots=True)
class EventsVersion:
    """The version of the events that a night reads from start to end, even if the stream appends meanwhile."""

    table_id: str  # a table that was created again counts its versions from 0
    version: int
    days: frozenset[date]


@dataclass(frozen=True, slots=True)
class EventCommit:
    """One version of the events."""

    version: int
    days: frozenset[date]  # days to which it added events, or from which it removed some
    note: str  # written by the program that made the commit


def read_events_version(settings: Settings) -> EventsVersion:
    url = table_url(settings, EVENTS)
    try:
        table = DeltaTable(url)
    except TableNotFoundError as error:
        raise NoEvents(f"there are no events at {url}; read them from Kafka first: ./run stream --once") from error
    days = frozenset(day_from_text(part["event_day"]) for part in table.partitions())
    return EventsVersion(str(table.metadata().id), table.version(), days)


def list_event_files(settings: Settings, version: int | None = None) -> EventFiles:
    """The files at this version, or now. Reads only the log."""
    table = DeltaTable(table_url(settings, EVENTS), version=version)
    files = group_files(table, "event_day", "path", "size_bytes", "num_records")
    days = {day: [EventFile(*file) for file in day_files] for day, day_files in files.items()}
    return EventFiles(str(table.metadata().id), table.version(), days)


def group_files(table: DeltaTable, partition: str, *columns: str) -> dict[date, list[tuple[Any, ...]]]:
    """These columns of the log for each file, by partition. A partition is a day, or a month written as its first day."""
    actions = pa.table(table.get_add_actions(flatten=True)).select([f"partition.{partition}", *columns])
    days: dict[date, list[tuple[Any, ...]]] = {}
    for day, *file in zip(*actions.to_pydict().values(), strict=True):
        days.setdefault(day, []).append(tuple(file))
    return days


def find_changed_days(settings: Settings, now: EventsVersion, version: int) -> Mapping[date, int]:
    """Day -> the last version after `version` that added events to the day or removed some.

    Every day counts as changed if the log does not reach back that far (LOG_DAYS in cdp/lake/tables.py), or if the
    table is a different one: restating too many days is only slow.
    """
    commits = read_commits(settings, version, now.version)
    if len(commits) != now.version - version:
        return dict.fromkeys(now.days, ALWAYS)
    return {day: commit.version for commit in commits for day in commit.days}


def read_commits(settings: Settings, after: int, up_to: int) -> list[EventCommit]:
    """The commits after one version up to another, in order, as far as the log still has them. A commit is a small file, so
    several are read at a time."""
    log = PyFileSystem(DeltaStorageHandler(table_url(settings, EVENTS)))
    with ThreadPoolExecutor(COMMITS_AT_A_TIME) as pool:
        return [commit for commit in pool.map(partial(_read_commit, log), range(after + 1, up_to + 1)) if commit]


def _read_commit(log: PyFileSystem, version: int) -> EventCommit | None:
    try:
        with log.open_input_stream(f"_delta_log/{version:020}.json") as file:
            actions = [json.loads(line) for line in file.read().splitlines()]
    except FileNotFoundError:
        return None
    files = [action.get("add") or action.get("remove") for action in actions]
    # Compaction rewrites files without changing their events. `dataChange` is false for it.
    days = {day_from_text(file["partitionValues"]["event_day"]) for file in files if file and file["dataChange"]}
    note = next((info["userMetadata"] for action in actions if "userMetadata" in (info := action.get("commitInfo", {}))), "")
    return EventCommit(version, frozenset(days), note)
