"""Compaction of tables on the local disk: the same events in fewer files."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from batch.days.events import deduplicate
from batch.hdfs import compact as compaction
from batch.hdfs.changes import EventFile, EventFiles, list_event_files
from batch.hdfs.compact import count_pieces, find_days_to_compact, group_days
from batch.hdfs.compactions import CompactionRecord, read_compactions
from batch.hdfs.tables import read_events
from tests.batch.hdfs.compaction import D1, D2, D3, LATER, EventTable, on, received, table

__all__ = ["table"]


@pytest.mark.spark
def test_a_day_becomes_one_sorted_file_with_the_same_events_and_dropped_copies_are_counted(table: EventTable) -> None:
    table.receive(on(1, "a", "cid"), on(1, "b", "bob", 13), on(2, "c"))
    table.receive(on(1, "d", "bob", 9), on(1, "a", "cid", received_at=received(1)), on(2, "e"))
    table.receive(on(1, "f"), on(1, "a", "dan"))
    before, version = table.ids(), table.version()
    report = table.compact()
    assert report is not None
    assert table.files() == {D1: 1, D2: 1}
    # The same id of another customer is another event.
    assert (before, table.ids()) == (["a", "a", "a", "b", "c", "d", "e", "f"], ["a", "a", "b", "c", "d", "e", "f"])
    assert [(day.day, day.files_before, day.files_after, day.dropped) for day in report.days] == [
        (D1, 3, 1, 1),
        (D2, 2, 1, 0),
    ]
    assert str(report) == "2 days, 5 files merged into 2, 1 copies dropped"
    (file,) = [uri for uri in DeltaTable(table.url).file_uris() if "2019-10-01" in uri]
    rows = pq.ParquetFile(file.removeprefix("file://")).read(["user_id", "event_time"]).to_pylist()
    assert [row["user_id"] for row in rows] == ["ann", "bob", "bob", "cid", "dan"]
    assert rows == sorted(rows, key=lambda row: (row["user_id"], row["event_time"]))
    assert table.list_changed_days(version) == set()


@pytest.mark.spark
def test_compaction_and_the_night_keep_the_same_copy(table: EventTable) -> None:
    copies = [on(1, "a", product_id=f"p{n}", received_at=received(n % 3), kafka_offset=9 - n) for n in range(6)]
    for copy in copies:
        table.receive(copy)

    def read_once() -> list[Any]:
        return deduplicate(read_events(table.spark, table.settings, table.version())).collect()

    before = read_once()
    table.compact()
    assert read_once() == before
    assert [row["product_id"] for row in table.rows()] == [before[0].product_id] == ["p3"]
    assert [row["dropped"] for row in table.read_compactions()] == [5]


@pytest.mark.spark
def test_compacting_twice_changes_nothing_and_a_late_event_changes_only_its_own_day(table: EventTable) -> None:
    table.receive(on(1, "a"), on(2, "b"))
    table.receive(on(1, "c"), on(3, "d"))
    table.compact()
    version = table.version()
    assert table.compact(at=LATER) is None
    assert table.version() == version
    table.receive(on(2, "e"), on(2, "b", received_at=received(5)))
    assert table.list_changed_days(version) == {D2}
    report = table.compact()
    assert report is not None
    assert [(day.day, day.dropped) for day in report.days] == [(D2, 1)]
    assert table.list_changed_days(version) == {D2}
    assert table.list_changed_days(version + 1) == set()
    assert [(row["day"], row["dropped"]) for row in table.read_compactions()] == [(D1, 0), (D2, 0), (D3, 0), (D2, 1)]


@pytest.mark.spark
def test_days_after_the_published_one_and_beyond_the_limit_are_left(table: EventTable) -> None:
    table.receive(on(1, "a"), on(2, "b"), on(3, "c"))
    table.receive(on(2, "d"), on(3, "e"))
    table.settings = replace(table.settings, compact_days=1)
    report = table.compact(D2)
    assert report is not None
    assert (report.days_left, table.files()) == (1, {D1: 1, D2: 1, D3: 2})
    assert "1 days left" in str(report)
    table.settings = replace(table.settings, compact_days=0)
    assert table.compact(D3) is None


@pytest.mark.spark
def test_large_day_becomes_several_files_and_each_customer_is_in_one(table: EventTable) -> None:
    noise = random.Random(0)
    table.receive(*(on(1, f"e{n}", f"u{n % 40:02}", extra=noise.randbytes(1_000).hex()) for n in range(2_000)))
    table.settings = replace(table.settings, compact_file_mb=1)
    expected = count_pieces(list_event_files(table.settings).days[D1], 2**20)
    assert expected > 1
    table.compact()
    users = [
        {row["user_id"] for row in pq.ParquetFile(uri.removeprefix("file://")).read(["user_id"]).to_pylist()}
        for uri in DeltaTable(table.url).file_uris()
    ]
    assert len(users) == expected
    assert sum(map(len, users)) == 40
    assert len(table.ids()) == 2_000


@pytest.mark.spark
def test_the_next_night_records_what_a_killed_night_did_not(table: EventTable, monkeypatch: pytest.MonkeyPatch) -> None:
    table.receive(on(1, "a"))
    table.receive(on(1, "a"), on(2, "b"))
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "record_compactions", _cut_off)
        with pytest.raises(OSError, match="cut off"):
            table.compact()
    assert table.ids() == ["a", "b"]
    table.compact()
    assert sum(row["dropped"] for row in table.read_compactions()) == 1
    assert table.compact() is None
    table_id = list_event_files(table.settings).table_id
    assert read_compactions(table.settings, table_id).version == table.version()
    # A table that was created again starts without compactions.
    assert read_compactions(table.settings, "another") == CompactionRecord()


def _cut_off(*_: Any) -> None:
    raise OSError("cut off here")


def files(*sizes: int) -> list[EventFile]:
    return [EventFile(f"f{place}", size, 1) for place, size in enumerate(sizes)]


def test_day_is_compact_if_its_files_are_those_that_compaction_wrote() -> None:
    now = EventFiles("t", 5, {D1: files(1), D2: files(1, 1), D3: files(1, 1, 1)})
    assert find_days_to_compact(now, CompactionRecord(), D2) == [D2, D1]
    assert find_days_to_compact(now, CompactionRecord(3, {D1: frozenset({"f0"}), D2: frozenset({"f0"})}), D3) == [D3, D2]


def test_small_days_share_a_commit_and_large_ones_have_their_own() -> None:
    days = [date(2019, 1, 1 + n) for n in range(31)] + [D1, D2]
    now = EventFiles("t", 5, dict.fromkeys(days, files(60, 40)) | {D1: files(60, 41)})
    assert list(group_days(now, days, 100)) == [[D1], days[:31], [D2]]
    assert count_pieces(files(60, 41), 100) == 2
