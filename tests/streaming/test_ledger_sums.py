"""Whether it adds up: each sum holds, or is named when one number is another. Read for real in
tests/streaming/test_cluster.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streaming.account import Counts
from streaming.ledger import __main__ as ledger
from streaming.ledger.__main__ import as_json, as_text, look_until_it_adds_up
from streaming.ledger.read import LedgerUnread
from streaming.ledger.recount import Tally
from streaming.ledger.sums import Found, Gap, Hdfs, Lost, Reach, Recount, TopicSums, checks
from streaming.topic import Held, Topic
from tests.spark_session import utc

SUMS = TopicSums("raw", 3, Counts(100, 90, 10), {"not_json": 8, "bad_price": 2}, {"0": 80, "31+": 10}, 100, 100)
#: 60 messages of partition 0, 40 of partition 1; five marks of transactions in each.
REACHES = [
    Reach("s1", "raw", "t1", 0, 0, 65, 60, utc(2019, 10, 1)),
    Reach("s1", "raw", "t1", 1, 0, 45, 40, utc(2019, 10, 1)),
]
NOW = Topic("raw", "t1", {0: Held(0, 65), 1: Held(10, 45)})
#: Two rows of quarantine are one message that was replayed, and compaction left out seven copies.
HDFS = Hdfs(events=84, dropped=7, quarantined=10, replayed=2, replayed_events=1)
FOUND = Found([SUMS], REACHES, [], HDFS, NOW, acknowledged=100)


def off(found: Found) -> list[str]:
    return [check.text for check in checks(found) if not check.ok]


def test_all_adds_up_and_is_told() -> None:
    assert [str(check.text) for check in checks(FOUND) if check.ok] == [
        "raw: received 100 = good 90 + quarantined 10",
        "events on HDFS: good 90 + replayed 1 = rows 84 + copies that compaction dropped 7",
        "quarantine on HDFS: quarantined 10 = rows 10",
        "Kafka: acknowledged by the source 100 - received by the stream 100 = 0 waiting in Kafka",
    ]
    assert off(FOUND) == []
    said = as_text(FOUND, checks(FOUND))
    for line in ("ok   raw: received", "quarantined: not_json 8, bad_price 2", "days late: 0 80, 31+ 10", "waiting in Kafka: 0"):
        assert line in said
    assert as_json(FOUND, checks(FOUND))["adds_up"] is True


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"topics": [replace(SUMS, counts=Counts(101, 90, 10), in_partitions=101, in_batches=101)]}, "received 101 ≠ good 90"),
        ({"topics": [replace(SUMS, in_partitions=99)]}, "raw: received 100 ≠ by partition 99"),
        ({"topics": [replace(SUMS, in_batches=99)]}, "raw: received 100 ≠ by batch 99"),
        ({"topics": [replace(SUMS, reasons={"not_json": 9})]}, "raw: quarantined 10 ≠ by reason 9"),
        ({"topics": [replace(SUMS, late={"0": 89})]}, "raw: good 90 ≠ by days late 89"),
        ({"gaps": [Gap("s1", 7, 1, 30, 33)]}, "partition 1: begins at offset 33, the one before ended at 30"),
        ({"hdfs": replace(HDFS, events=83)}, "events on HDFS: good 90 + replayed 1 ≠ rows 83"),
        ({"hdfs": replace(HDFS, events=85)}, "events on HDFS: good 90 + replayed 1 ≠ rows 85"),
        ({"hdfs": replace(HDFS, replayed_events=2)}, "events on HDFS: good 90 + replayed 2 ≠ rows 84"),
        ({"hdfs": replace(HDFS, quarantined=11)}, "quarantine on HDFS: quarantined 10 ≠ rows 11"),
        ({"recounted": [Recount("s1", 0, 0, 65, 60, 61)]}, "committed messages in Kafka 61 ≠ received 60"),
        ({"acknowledged": 101}, "= 1, but only 0 offsets wait in Kafka"),
    ],
)
def test_each_sum_that_is_off_is_named(changed: dict[str, Any], says: str) -> None:
    found = replace(FOUND, **changed)
    assert any(says in text for text in off(found)), off(found)
    assert "OFF " in as_text(found, checks(found))


def test_what_waits_is_what_lies_between_the_newest_stream_and_the_end() -> None:
    now = replace(NOW, partitions={0: Held(0, 75), 1: Held(10, 45), 2: Held(3, 8)})
    found = replace(FOUND, now=now, acknowledged=112)
    assert found.waiting == {0: 10, 1: 0, 2: 5}
    assert off(found) == []
    assert off(replace(found, acknowledged=116)) != []
    # Another topic of the same name: nothing of it was taken yet.
    assert replace(found, now=replace(now, id="t2")).waiting == {0: 75, 1: 35, 2: 5}
    assert off(replace(found, acknowledged=90)) == []


def test_replay_that_was_cut_off_leaves_a_span_and_not_an_error() -> None:
    cut = replace(HDFS, claimed=3)
    assert off(replace(FOUND, hdfs=cut)) == []
    assert off(replace(FOUND, hdfs=replace(cut, events=87))) == []
    assert off(replace(FOUND, hdfs=replace(cut, events=88))) != []
    assert "a replay of 3 rows was cut off" in as_text(replace(FOUND, hdfs=cut), [])


def test_what_no_stream_has_read_is_told_with_offsets() -> None:
    later = [Reach("s2", "raw", "t1", number, start, 90, 10, utc(2019, 10, 2)) for number, start in ((0, 70), (1, 40))]
    found = replace(FOUND, reaches=[*REACHES, *later])
    assert found.lost == [Lost(0, 65, 70)]
    assert "lost before it was read: partition 0, offsets 65 until 70" in as_text(found, [])
    # Two streams have read the same: the source's sum is of other things.
    assert not any("acknowledged" in check.text for check in checks(found))


def test_a_sum_that_is_off_is_looked_at_again() -> None:
    seen = iter([replace(FOUND, hdfs=replace(HDFS, events=90))] * 2 + [FOUND])
    pauses: list[float] = []
    assert look_until_it_adds_up(lambda: next(seen), pauses.append) == FOUND
    assert len(pauses) == 2
    wrong = replace(FOUND, hdfs=Hdfs())
    assert look_until_it_adds_up(lambda: wrong, pauses.append) == wrong


def test_stream_that_never_ran_is_said() -> None:
    nothing = Found([], [], [], Hdfs(), NOW)
    assert as_text(nothing, checks(nothing)) == "the stream has not run yet, 100 offsets wait in Kafka: ./run stream --once"
    assert off(nothing) == []
    # A ledger that was lost is not the same.
    assert off(replace(nothing, hdfs=HDFS)) != []


def test_recount_ends_where_the_last_stretch_does_and_counts_each_stretch_for_itself() -> None:
    tally = Tally([Recount("s1", 0, 0, 5, 3), Recount("s2", 0, 3, 9, 3), Recount("s1", 1, 4, 4, 0)])
    assert (tally.open, tally.begins[0]) == ({0}, 0)
    for offset in (0, 2, 4, 7):
        tally.take(0, offset)
    assert tally.open == {0}
    tally.take(0, 9)  # a mark lies before it, so that nothing told of the end sooner
    assert tally.open == set()
    assert [part.in_kafka for part in tally.counted()] == [3, 2, 0]


@pytest.mark.parametrize(("hdfs", "status"), [(HDFS, 0), (Hdfs(), 1)])
def test_program_tells_and_writes_down_what_it_found(
    hdfs: Hdfs, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(ledger, "look", lambda *given: asked.append(given[1:]) or replace(FOUND, hdfs=hdfs))
    file = tmp_path / "told.json"
    assert ledger.main(["--acknowledged", "100", "--json", str(file)], topic="raw") == status
    assert asked[0] == ("raw", 100)
    told = json.loads(file.read_text())
    assert (told["adds_up"], told["waiting"], told["topics"][0]["counts"]["good"]) == (status == 0, {"0": 0, "1": 0}, 90)
    assert ("OFF " in capsys.readouterr().out) is (status == 1)
    ledger.main(["--quiet"], topic="raw")
    assert capsys.readouterr().out == ""


def test_store_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def away(*_: Any) -> None:
        raise LedgerUnread("the tables can't be read: refused; see ./run status namenode")

    monkeypatch.setattr(ledger, "look", away)
    monkeypatch.delenv("PROGRAM_NAME", raising=False)
    with pytest.raises(SystemExit) as ended:
        ledger.main([])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        "python -m streaming.ledger: the tables can't be read: refused; see ./run status namenode\n",
    )
