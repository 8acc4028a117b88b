"""Compaction while others write: nobody is disturbed, and nothing that comes is lost or taken for old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.hdfs import compact as compaction
from batch.hdfs.compact import Compacted
from tests.batch.hdfs.compaction import D1, Place, on, place

__all__ = ["place"]


@pytest.mark.spark
@pytest.mark.parametrize("when", ["before the write begins", "while it writes"])
def test_events_that_come_meanwhile_are_kept_and_are_new(
    place: Place, monkeypatch: pytest.MonkeyPatch, when: str, tmp_path: Path
) -> None:
    place.receive(on(1, "a"))
    place.receive(on(1, "b"))
    version = place.version()
    without_copies = compaction.without_copies

    def stream_goes_on() -> None:
        place.receive(on(1, "late"))

    if when == "before the write begins":
        monkeypatch.setattr(compaction, "without_copies", _after(stream_goes_on, without_copies))
        place.compact()
    else:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"
        monkeypatch.setattr(compaction, "without_copies", lambda events: _waiting(without_copies(events), begun, go_on))
        writing = threading.Thread(target=place.compact)
        writing.start()
        _wait_for(begun)
        stream_goes_on()
        go_on.touch()
        writing.join(60)
    assert place.ids() == ["a", "b", "late"]
    assert place.changed_after(version) == {D1}
    monkeypatch.setattr(compaction, "without_copies", without_copies)
    place.compact()
    assert (place.ids(), place.files()) == (["a", "b", "late"], {D1: 1})


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
    raise TimeoutError(f"{file} does not come")


def _waiting(events: DataFrame, begun: Path, go_on: Path) -> DataFrame:
    """A frame whose rows come after a file is there."""

    def wait(text: str) -> str:
        import time
        from pathlib import Path as File

        File(str(begun)).touch()
        while not File(str(go_on)).exists():
            time.sleep(0.05)
        return text

    return events.withColumn("event_id", F.udf(wait, "string", useArrow=False)("event_id"))


@pytest.mark.spark
def test_day_that_somebody_else_rewrites_meanwhile_is_skipped_and_done_the_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.receive(on(1, "a"))
    place.receive(on(1, "b"))
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    without_copies = compaction.without_copies
    done: list[Compacted | None] = []
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "without_copies", lambda events: _waiting(without_copies(events), begun, go_on))
        writing = threading.Thread(target=lambda: done.append(place.compact()))
        writing.start()
        _wait_for(begun)
        DeltaTable(place.url).delete("event_id = 'b'")
        go_on.touch()
        writing.join(60)
    assert place.ids() == ["a"]
    assert "2019-10-01 changed meanwhile and are for the next night" in str(done[0])
    place.compact()
    assert (place.ids(), place.files()) == (["a"], {D1: 1})
