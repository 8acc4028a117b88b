"""Compaction on tables on the local disk: the same events in fewer files."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from batch.days.events import events_once
from batch.hdfs import compact as compaction
from batch.hdfs.changes import EventFile, EventFiles, event_files
from batch.hdfs.compact import commits, not_compact, pieces
from batch.hdfs.compactions import Book, read_book
from batch.hdfs.tables import read_events
from tests.batch.hdfs.compaction import D1, D2, D3, LATER, Place, on, place, received

__all__ = ["place"]


@pytest.mark.spark
def test_same_events_in_one_sorted_file_a_day_with_copies_dropped_and_counted(place: Place) -> None:
    place.receive(on(1, "a", "cid"), on(1, "b", "bob", 13), on(2, "c"))
    place.receive(on(1, "d", "bob", 9), on(1, "a", "cid", received_at=received(1)), on(2, "e"))
    place.receive(on(1, "f"), on(1, "a", "dan"))
    before, version = place.ids(), place.version()
    done = place.compact()
    assert done is not None
    assert place.files() == {D1: 1, D2: 1}
    # The same id of another customer is another event.
    assert (before, place.ids()) == (["a", "a", "a", "b", "c", "d", "e", "f"], ["a", "a", "b", "c", "d", "e", "f"])
    assert [(entry.day, entry.files_before, entry.files_after, entry.dropped) for entry in done.entries] == [
        (D1, 3, 1, 1),
        (D2, 2, 1, 0),
    ]
    assert str(done) == "2 days, 5 files made into 2, 1 copies dropped"
    (file,) = [uri for uri in DeltaTable(place.url).file_uris() if "2019-10-01" in uri]
    rows = pq.ParquetFile(file.removeprefix("file://")).read(["user_id", "event_time"]).to_pylist()
    assert [row["user_id"] for row in rows] == ["ann", "bob", "bob", "cid", "dan"]
    assert rows == sorted(rows, key=lambda row: (row["user_id"], row["event_time"]))
    assert place.changed_after(version) == set()


@pytest.mark.spark
def test_copy_that_is_kept_is_the_one_that_the_night_keeps(place: Place) -> None:
    copies = [on(1, "a", product_id=f"p{n}", received_at=received(n % 3), kafka_offset=9 - n) for n in range(6)]
    for copy in copies:
        place.receive(copy)

    def kept() -> list[Any]:
        return events_once(read_events(place.spark, place.settings, place.version())).collect()

    before = kept()
    place.compact()
    assert kept() == before
    assert [row["product_id"] for row in place.rows()] == [before[0].product_id] == ["p3"]
    assert [row["dropped"] for row in place.book()] == [5]


@pytest.mark.spark
def test_twice_is_once_and_a_late_event_makes_only_its_own_day_change_again(place: Place) -> None:
    place.receive(on(1, "a"), on(2, "b"))
    place.receive(on(1, "c"), on(3, "d"))
    place.compact()
    version = place.version()
    assert place.compact(at=LATER) is None
    assert place.version() == version
    place.receive(on(2, "e"), on(2, "b", received_at=received(5)))
    assert place.changed_after(version) == {D2}
    done = place.compact()
    assert done is not None
    assert [(entry.day, entry.dropped) for entry in done.entries] == [(D2, 1)]
    assert place.changed_after(version) == {D2}
    assert place.changed_after(version + 1) == set()
    assert [(row["day"], row["dropped"]) for row in place.book()] == [(D1, 0), (D2, 0), (D3, 0), (D2, 1)]


@pytest.mark.spark
def test_days_after_the_published_one_and_beyond_what_a_night_does_are_for_later(place: Place) -> None:
    place.receive(on(1, "a"), on(2, "b"), on(3, "c"))
    place.receive(on(2, "d"), on(3, "e"))
    place.settings = replace(place.settings, compact_days=1)
    done = place.compact(D2)
    assert done is not None
    assert (done.left, place.files()) == (1, {D1: 1, D2: 1, D3: 2})
    assert "1 days are for the next night" in str(done)
    place.settings = replace(place.settings, compact_days=0)
    assert place.compact(D3) is None


@pytest.mark.spark
def test_large_day_becomes_several_files_that_no_customer_lies_across(place: Place) -> None:
    noise = random.Random(0)
    place.receive(*(on(1, f"e{n}", f"u{n % 40:02}", extra=noise.randbytes(1_000).hex()) for n in range(2_000)))
    place.settings = replace(place.settings, compact_file_mb=1)
    expected = pieces(event_files(place.settings).days[D1], 2**20)
    assert expected > 1
    place.compact()
    users = [
        {row["user_id"] for row in pq.ParquetFile(uri.removeprefix("file://")).read(["user_id"]).to_pylist()}
        for uri in DeltaTable(place.url).file_uris()
    ]
    assert len(users) == expected
    assert sum(map(len, users)) == 40
    assert len(place.ids()) == 2_000


@pytest.mark.spark
def test_what_a_killed_night_did_not_write_down_the_next_one_does(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.receive(on(1, "a"))
    place.receive(on(1, "a"), on(2, "b"))
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "write_down", _cut_off)
        with pytest.raises(OSError, match="cut off"):
            place.compact()
    assert place.ids() == ["a", "b"]
    place.compact()
    assert sum(row["dropped"] for row in place.book()) == 1
    assert place.compact() is None
    table_id = event_files(place.settings).table_id
    assert read_book(place.settings, table_id).version == place.version()
    # A table that was made anew begins a new book.
    assert read_book(place.settings, "another") == Book()


def _cut_off(*_: Any) -> None:
    raise OSError("cut off here")


def files(*sizes: int) -> list[EventFile]:
    return [EventFile(f"f{place}", size, 1) for place, size in enumerate(sizes)]


def test_day_is_compact_when_its_files_are_those_that_were_left() -> None:
    now = EventFiles("t", 5, {D1: files(1), D2: files(1, 1), D3: files(1, 1, 1)})
    assert not_compact(now, Book(), D2) == [D2, D1]
    assert not_compact(now, Book(3, {D1: frozenset({"f0"}), D2: frozenset({"f0"})}), D3) == [D3, D2]


def test_small_days_share_a_commit_and_large_ones_have_their_own() -> None:
    days = [date(2019, 1, 1 + n) for n in range(31)] + [D1, D2]
    now = EventFiles("t", 5, dict.fromkeys(days, files(60, 40)) | {D1: files(60, 41)})
    assert list(commits(now, days, 100)) == [[D1], days[:31], [D2]]
    assert pieces(files(60, 41), 100) == 2
