"""What the Delta log of the events says: the version now, the days there are, and when each last changed."""

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
from cdp.paths import EVENTS, table_url
from cdp.settings import Settings

COMMITS_AT_A_TIME = 8


class NoEvents(RuntimeError):
    """There is nothing to make a night of."""


@dataclass(frozen=True, slots=True)
class EventFile:
    path: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class EventFiles:
    """The files that are the events at one version, by day. A table that was made anew has another id."""

    table_id: str
    version: int
    days: Mapping[date, list[EventFile]]

    def rows(self, day: date) -> int:
        return sum(file.rows for file in self.days.get(day, []))

    def paths(self, day: date) -> frozenset[str]:
        return frozenset(file.path for file in self.days.get(day, []))


@dataclass(frozen=True, slots=True)
class EventsNow:
    """The events as a night sees them from its beginning to its end, whatever the stream adds meanwhile."""

    table_id: str  # a table that was made anew counts its versions from 0
    version: int
    days: frozenset[date]


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of the events."""

    version: int
    days: frozenset[date]  # it added events of these, or took some away
    said: str  # what its writer noted


def events_now(settings: Settings) -> EventsNow:
    url = table_url(settings, EVENTS)
    try:
        table = DeltaTable(url)
    except TableNotFoundError as error:
        raise NoEvents(f"there are no events at {url}; take them from Kafka first: ./run stream --once") from error
    days = frozenset(day_from_text(part["event_day"]) for part in table.partitions())
    return EventsNow(str(table.metadata().id), table.version(), days)


def event_files(settings: Settings, version: int | None = None) -> EventFiles:
    """At this version, or now. It asks the log alone, and reads no file."""
    table = DeltaTable(table_url(settings, EVENTS), version=version)
    files = files_by_day(table, "event_day", "path", "size_bytes", "num_records")
    days = {day: [EventFile(*file) for file in found] for day, found in files.items()}
    return EventFiles(str(table.metadata().id), table.version(), days)


def files_by_day(table: DeltaTable, partition: str, *columns: str) -> dict[date, list[tuple[Any, ...]]]:
    """What the log says of each file of a table that has a partition a day, or a month by its first day."""
    actions = pa.table(table.get_add_actions(flatten=True)).select([f"partition.{partition}", *columns])
    days: dict[date, list[tuple[Any, ...]]] = {}
    for day, *file in zip(*actions.to_pydict().values(), strict=True):
        days.setdefault(day, []).append(tuple(file))
    return days


def changed_after(settings: Settings, now: EventsNow, version: int) -> Mapping[date, int]:
    """Day -> the last version, after `version`, that added events of it or took some away.

    Where the log does not reach back that far (streaming/tables.py says how long it is kept), or the table is another than it
    was, every day counts as changed: restating too much is only slow.
    """
    since = commits(settings, version, now.version)
    if len(since) != now.version - version:
        return dict.fromkeys(now.days, ALWAYS)
    return {day: commit.version for commit in since for day in commit.days}


def commits(settings: Settings, after: int, up_to: int) -> list[Commit]:
    """Those after one version, up to another, in their order, as far as the log still has them. A commit is a small file; many
    are read at a time."""
    log = PyFileSystem(DeltaStorageHandler(table_url(settings, EVENTS)))
    with ThreadPoolExecutor(COMMITS_AT_A_TIME) as pool:
        return [commit for commit in pool.map(partial(_commit, log), range(after + 1, up_to + 1)) if commit]


def _commit(log: PyFileSystem, version: int) -> Commit | None:
    try:
        with log.open_input_stream(f"_delta_log/{version:020}.json") as file:
            actions = [json.loads(line) for line in file.read().splitlines()]
    except FileNotFoundError:
        return None
    files = [action.get("add") or action.get("remove") for action in actions]
    # Compaction writes files anew without changing what they say; `dataChange` tells it apart.
    days = {day_from_text(file["partitionValues"]["event_day"]) for file in files if file and file["dataChange"]}
    said = next((info["userMetadata"] for action in actions if "userMetadata" in (info := action.get("commitInfo", {}))), "")
    return Commit(version, frozenset(days), said)
