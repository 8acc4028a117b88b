"""Commits without Spark: a batch enters a table once, even if two drivers try, and only what is committed is read."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from cdp.events.reading import EVENTS_SCHEMA
from cdp.lake.paths import table_url
from cdp.lake.tables import EVENTS_TABLE, STREAM_TABLES
from cdp.settings import Settings, load
from streaming.commit import BatchKey, OpenTable, call_within, open_table
from streaming.files import NewFile, TableFolder
from streaming.tables import ForeignTable, ensure_tables

FIRST, SECOND = BatchKey("s1", 0), BatchKey("s1", 1)


@pytest.fixture
def disk(tmp_path: Path) -> Settings:
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")
    ensure_tables(settings, STREAM_TABLES)
    return settings


def write_event(settings: Settings, event_id: str, received: datetime = datetime(2019, 10, 1, 12, tzinfo=UTC)) -> list[NewFile]:
    row = {"event_id": event_id, "event_day": date(2019, 10, 1), "event_time": received, "received_at": received}
    folder = TableFolder(EVENTS_TABLE, table_url(settings, EVENTS_TABLE.name), 1)
    return folder.write(pa.Table.from_pylist([row], EVENTS_SCHEMA))


def open_events(settings: Settings) -> OpenTable:
    return open_table(settings, EVENTS_TABLE)


def read_ids(settings: Settings) -> list[str]:
    table = DeltaTable(table_url(settings, EVENTS_TABLE.name))
    return sorted(table.to_pyarrow_table(columns=["event_id"])["event_id"].to_pylist())


def test_a_file_is_read_only_after_its_commit_and_a_table_knows_its_batches(disk: Settings) -> None:
    files = write_event(disk, "a")
    write_event(disk, "of a task that failed")
    table = open_events(disk)
    assert (read_ids(disk), table.has_batch(FIRST)) == ([], False)
    table.append(files, FIRST)
    after = open_events(disk)
    assert read_ids(disk) == ["a"]
    assert [after.has_batch(key) for key in (FIRST, SECOND, BatchKey("s2", 0))] == [True, False, False]
    after.append(write_event(disk, "b"), SECOND)
    assert open_events(disk).has_batch(FIRST), "a later batch was committed"
    assert read_ids(disk) == ["a", "b"]


def test_a_second_driver_with_the_same_batch_is_refused(disk: Settings) -> None:
    ours, other = open_events(disk), open_events(disk)
    ours.append(write_event(disk, "ours"), FIRST)
    with pytest.raises(CommitFailedError):
        other.append(write_event(disk, "other"), FIRST)
    assert read_ids(disk) == ["ours"]


def test_an_append_of_another_program_meanwhile_does_no_harm(disk: Settings) -> None:
    ours, other = open_events(disk), open_events(disk)
    other.append(write_event(disk, "replayed"), BatchKey("replay", 0))
    ours.append(write_event(disk, "ours"), FIRST)
    assert read_ids(disk) == ["ours", "replayed"]


def test_a_change_of_older_rows_meanwhile_does_no_harm_and_does_not_let_a_second_driver_in(disk: Settings) -> None:
    open_events(disk).append(write_event(disk, "old"), FIRST)
    ours, other = open_events(disk), open_events(disk)
    DeltaTable(table_url(disk, EVENTS_TABLE.name)).update({"brand": "'changed'"}, predicate="event_id = 'old'")
    ours.append(write_event(disk, "ours"), SECOND)
    with pytest.raises(CommitFailedError):
        other.append(write_event(disk, "other"), SECOND)
    assert read_ids(disk) == ["old", "ours"]


def test_a_compaction_between_two_attempts_does_no_harm(disk: Settings) -> None:
    table = open_events(disk)
    table.append(write_event(disk, "a") + write_event(disk, "b"), FIRST)
    killed = write_event(disk, "c")
    ours = open_events(disk)
    DeltaTable(table_url(disk, EVENTS_TABLE.name)).optimize.compact()
    assert open_events(disk).has_batch(FIRST), "compaction keeps the streams' transactions"
    ours.append(killed, SECOND)
    assert read_ids(disk) == ["a", "b", "c"]


def test_an_instant_within_the_last_millisecond_of_a_file_is_found(disk: Settings) -> None:
    received = datetime(2019, 10, 1, 12, 0, 0, 123_456, UTC)
    open_events(disk).append(write_event(disk, "a", received), FIRST)
    table = DeltaTable(table_url(disk, EVENTS_TABLE.name))
    assert table.to_pyarrow_table(filters=[("received_at", ">=", received)]).num_rows == 1
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert [(each["num_records"], each["partition.event_day"]) for each in actions] == [(1, date(2019, 10, 1))]


def test_a_table_of_an_earlier_version_gets_columns_and_properties_and_a_foreign_one_is_refused(disk: Settings) -> None:
    later = replace(EVENTS_TABLE, columns={**EVENTS_TABLE.columns, "color": "string"}, statistics="event_time")
    open_events(disk).append(write_event(disk, "a"), FIRST)
    ensure_tables(disk, [later])
    table = DeltaTable(table_url(disk, EVENTS_TABLE.name))
    assert table.schema().fields[-1].name == "color"
    assert table.metadata().configuration["delta.dataSkippingStatsColumns"] == "event_time"
    version = table.version()
    ensure_tables(disk, [later])
    assert DeltaTable(table_url(disk, EVENTS_TABLE.name)).version() == version, "twice = once"
    with pytest.raises(ForeignTable, match="color is unknown"):
        ensure_tables(disk, STREAM_TABLES)
    assert read_ids(disk) == ["a"]


def test_a_call_that_hangs_ends_in_time_and_others_give_their_result_or_error() -> None:
    with pytest.raises(TimeoutError):
        call_within(0.01, lambda: time.sleep(1))
    assert call_within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        call_within(5, lambda: 1 // 0)
