"""Compaction while others write: no writer fails, and no new event is lost or treated as old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.hdfs import compact as compaction
from batch.hdfs.compact import CompactionReport
from tests.batch.hdfs.compaction import D1, EventTable, on, table

__all__ = ["table"]


@pytest.mark.spark
@pytest.mark.parametrize("when", ["before the write begins", "while it writes"])
def test_events_appended_meanwhile_are_kept_and_count_as_new(
    table: EventTable, monkeypatch: pytest.MonkeyPatch, when: str, tmp_path: Path
) -> None:
    table.receive(on(1, "a"))
    table.receive(on(1, "b"))
    version = table.version()
    drop_copies = compaction.drop_copies

    def stream_goes_on() -> None:
        table.receive(on(1, "late"))

    if when == "before the write begins":
        monkeypatch.setattr(compaction, "drop_copies", _after(stream_goes_on, drop_copies))
        table.compact()
    else:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"
        monkeypatch.setattr(compaction, "drop_copies", lambda events: _waiting(drop_copies(events), begun, go_on))
        writing = threading.Thread(target=table.compact)
        writing.start()
        _wait_for(begun)
        stream_goes_on()
        go_on.touch()
        writing.join(60)
    assert table.ids() == ["a", "b", "late"]
    assert table.list_changed_days(version) == {D1}
    monkeypatch.setattr(compaction, "drop_copies", drop_copies)
    table.compact()
    assert (table.ids(), table.files()) == (["a", "b", "late"], {D1: 1})


def _after(first: Callable[[], None], then: Callable[[DataFrame], DataFrame]) -> Callable[[DataFrame], DataFrame]:
    def both(events: DataFrame) -> DataFrame:
        first()
        return then(events)

    return both


def _wait_for(file: Path) -> None:
    for _ in range(600):
        if file.exists():
            return
        threading.Event().wait(0.1)
    raise TimeoutError(f"{file} was not written")


def _waiting(events: DataFrame, begun: Path, go_on: Path) -> DataFrame:
    """A frame that returns its rows once the file `go_on` exists."""

    def wait(text: str) -> str:
        import time
        from pathlib import Path as File

        File(str(begun)).touch()
        while not File(str(go_on)).exists():
            time.sleep(0.05)
        return text

    return events.withColumn("event_id", F.udf(wait, "string", useArrow=False)("event_id"))


@pytest.mark.spark
def test_day_that_another_writer_rewrites_meanwhile_is_skipped_and_compacted_next_time(
    table: EventTable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table.receive(on(1, "a"))
    table.receive(on(1, "b"))
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    drop_copies = compaction.drop_copies
    reports: list[CompactionReport | None] = []
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "drop_copies", lambda events: _waiting(drop_copies(events), begun, go_on))
        writing = threading.Thread(target=lambda: reports.append(table.compact()))
        writing.start()
        _wait_for(begun)
        DeltaTable(table.url).delete("event_id = 'b'")
        go_on.touch()
        writing.join(60)
    assert table.ids() == ["a"]
    (report,) = reports
    assert report is not None
    assert report.skipped == [D1]
    assert "2019-10-01" in str(report)
    table.compact()
    assert (table.ids(), table.files()) == (["a"], {D1: 1})
