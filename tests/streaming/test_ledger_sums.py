"""The ledger's checks: each sum holds, and each wrong one is named. On servers: tests/streaming/test_cluster.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streaming.ledger import __main__ as ledger
from streaming.ledger.__main__ import as_json, as_text, read_until_consistent
from streaming.ledger.read import LedgerUnreadable
from streaming.ledger.recount import Tally
from streaming.ledger.shop import Completeness, ShopSums
from streaming.ledger.sums import (
    LedgerGap,
    LedgerReport,
    RecountedRange,
    StreamRange,
    TableCounts,
    TopicSums,
    make_checks,
)
from streaming.messages import Counts, OffsetRange, Topic
from streaming.shop.changes import Counts as ChangeCounts
from tests.spark_session import utc

SUMS = TopicSums("raw", 3, Counts(100, 90, 10), {"not_json": 8, "bad_price": 2}, {"0": 80, "31+": 10}, 100, 100)
#: 60 messages of partition 0, 40 of partition 1; five marks of transactions in each.
REACHES = [
    StreamRange("s1", "raw", "t1", 0, 0, 65, 60, utc(2019, 10, 1)),
    StreamRange("s1", "raw", "t1", 1, 0, 45, 40, utc(2019, 10, 1)),
]
NOW = Topic("raw", "t1", {0: OffsetRange("raw", 0, 0, 65), 1: OffsetRange("raw", 1, 10, 45)})
#: Two rows of quarantine are one message that was replayed, and compaction left out seven copies.
HDFS = TableCounts(events=84, dropped=7, quarantined=10, replayed=2, replayed_events=1)
REPORT = LedgerReport([SUMS], REACHES, [], HDFS, NOW, acknowledged=100)

SHOP = ShopSums(
    changes={
        "cdc.shop.orders": ChangeCounts(received=10, superseded=4, tombstones=1, refused=2, applied=3),
        "cdc.shop.carts": ChangeCounts(received=5, applied=5),
        "__debezium-heartbeat.cdc": ChangeCounts(received=7, applied=7),
    },
    kept_refusals=2,
    lines=Completeness(known=9, sent=8, waiting=1),
    refunds=Completeness(known=2, sent=2, waiting=0),
    sent=10,
    unsent=1,
)


def off(report: LedgerReport) -> list[str]:
    return [check.text for check in make_checks(report) if not check.ok]


def test_all_checks_hold_and_are_listed() -> None:
    assert [str(check.text) for check in make_checks(REPORT) if check.ok] == [
        "raw: received 100 = good 90 + quarantined 10",
        "events on HDFS: good 90 + replayed 1 = rows 84 + copies that compaction dropped 7",
        "quarantine on HDFS: quarantined 10 = rows 10",
        "Kafka: acknowledged by the source 100 - received by the stream 100 = 0 waiting in Kafka",
    ]
    assert off(REPORT) == []
    text = as_text(REPORT, make_checks(REPORT))
    for line in ("ok   raw: received", "quarantined: not_json 8, bad_price 2", "days late: 0 80, 31+ 10", "waiting in Kafka: 0"):
        assert line in text
    assert as_json(REPORT, make_checks(REPORT))["adds_up"] is True


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topics": [replace(SUMS, counts=Counts(101, 90, 10), in_partitions=101, in_batches=101)]}, "received 101 ≠ good 90"),
        ({"topics": [replace(SUMS, in_partitions=99)]}, "raw: received 100 ≠ by partition 99"),
        ({"topics": [replace(SUMS, in_batches=99)]}, "raw: received 100 ≠ by batch 99"),
        ({"topics": [replace(SUMS, reasons={"not_json": 9})]}, "raw: quarantined 10 ≠ by reason 9"),
        ({"topics": [replace(SUMS, late={"0": 89})]}, "raw: good 90 ≠ by days late 89"),
        ({"gaps": [LedgerGap("s1", 7, 1, 30, 33)]}, "partition 1: starts at offset 33, the previous batch ended at 30"),
        ({"tables": replace(HDFS, events=83)}, "events on HDFS: good 90 + replayed 1 ≠ rows 83"),
        ({"tables": replace(HDFS, events=85)}, "events on HDFS: good 90 + replayed 1 ≠ rows 85"),
        ({"tables": replace(HDFS, replayed_events=2)}, "events on HDFS: good 90 + replayed 2 ≠ rows 84"),
        ({"tables": replace(HDFS, quarantined=11)}, "quarantine on HDFS: quarantined 10 ≠ rows 11"),
        ({"recounts": [RecountedRange("s1", 0, 0, 65, 60, 61)]}, "committed messages in Kafka 61 ≠ received 60"),
        ({"acknowledged": 101}, "= 1, but only 0 offsets wait in Kafka"),
        ({"shop": SHOP}, "= 10, but only 0 offsets wait in Kafka"),
        ({"shop": replace(SHOP, changes=SHOP.changes | {"a": ChangeCounts(received=1)})}, "a: received 1 ≠ applied 0"),
        ({"shop": replace(SHOP, kept_refusals=1)}, "shop.refused: refused 2 ≠ rows 1"),
        ({"shop": replace(SHOP, lines=Completeness(9, 7, 1))}, "paid order lines: known 9 ≠ purchases 7"),
        ({"shop": replace(SHOP, refunds=Completeness(2, 1, 0))}, "refunds: known 2 ≠ events 1"),
    ],
)
def test_each_wrong_sum_is_named(changes: dict[str, Any], words: str) -> None:
    report = replace(REPORT, **changes)
    assert any(words in text for text in off(report)), off(report)
    assert "OFF " in as_text(report, make_checks(report))


def test_what_the_shop_sent_is_no_surplus() -> None:
    report = replace(REPORT, acknowledged=85, shop=SHOP)
    checks = [check.text for check in make_checks(report)]
    sent = 'acknowledged by the source 85 + sent by the stream "shop" 10 - received by the stream 100 = -5'
    assert [text for text in checks if text.startswith("Kafka")] == [
        f"Kafka: {sent}: other programs send too, such as ./run shop simulate --views, or the source is still sending"
    ]
    assert checks[-4:] == [
        "shop's changes: received 15 = applied 8 + superseded 4 + tombstones 1 + refused 2",
        "rows of shop.refused: refused 2 = rows 2",
        "paid order lines: known 9 = purchases 8 + waiting for their order, product or category 1",
        "refunds: known 2 = events 2 + waiting for their purchase 0",
    ]
    assert off(report) == []
    assert "events of the shop that are about to be sent: 1" in as_text(report, make_checks(report))


def test_offsets_after_the_newest_stream_wait() -> None:
    topic = replace(
        NOW, partitions={0: OffsetRange("raw", 0, 0, 75), 1: OffsetRange("raw", 1, 10, 45), 2: OffsetRange("raw", 2, 3, 8)}
    )
    report = replace(REPORT, kafka_topic=topic, acknowledged=112)
    assert report.waiting == {0: 10, 1: 0, 2: 5}
    assert off(report) == []
    assert off(replace(report, acknowledged=116)) != []
    # Another topic of the same name, of which nothing was read yet.
    assert replace(report, kafka_topic=replace(topic, id="t2")).waiting == {0: 75, 1: 35, 2: 5}
    assert off(replace(report, acknowledged=90)) == []


def test_an_interrupted_replay_allows_a_surplus_and_is_no_error() -> None:
    interrupted = replace(HDFS, claimed=3)
    assert off(replace(REPORT, tables=interrupted)) == []
    assert off(replace(REPORT, tables=replace(interrupted, events=87))) == []
    assert off(replace(REPORT, tables=replace(interrupted, events=88))) != []
    assert "a replay of 3 rows was interrupted" in as_text(replace(REPORT, tables=interrupted), [])


def test_lost_messages_are_listed_with_offsets() -> None:
    later = [StreamRange("s2", "raw", "t1", number, start, 90, 10, utc(2019, 10, 2)) for number, start in ((0, 70), (1, 40))]
    report = replace(REPORT, stream_ranges=[*REACHES, *later])
    assert report.lost == [OffsetRange("raw", 0, 65, 70)]
    assert "lost before it was read: partition 0, offsets 65 until 70" in as_text(report, [])
    assert as_json(report, [])["lost"] == [{"partition": 0, "start": 65, "end": 70}]
    # Two streams have read the same messages, so the source's count can't be compared.
    assert not any("acknowledged" in check.text for check in make_checks(report))


def test_a_wrong_sum_is_read_again() -> None:
    reports = iter([replace(REPORT, tables=replace(HDFS, events=90))] * 2 + [REPORT])
    pauses: list[float] = []
    assert read_until_consistent(lambda: next(reports), pauses.append) == REPORT
    assert len(pauses) == 2
    wrong = replace(REPORT, tables=TableCounts())
    assert read_until_consistent(lambda: wrong, pauses.append) == wrong


def test_a_stream_that_never_ran_is_reported() -> None:
    nothing = LedgerReport([], [], [], TableCounts(), NOW)
    assert as_text(nothing, make_checks(nothing)) == "the stream has not run yet, 100 offsets wait in Kafka: ./run stream --once"
    assert off(nothing) == []
    # A lost ledger is another case.
    assert off(replace(nothing, tables=HDFS)) != []


def test_recount_ends_with_the_last_range_and_counts_each_range_on_its_own() -> None:
    tally = Tally([RecountedRange("s1", 0, 0, 5, 3), RecountedRange("s2", 0, 3, 9, 3), RecountedRange("s1", 1, 4, 4, 0)])
    assert (tally.open, tally.begins[0]) == ({0}, 0)
    for offset in (0, 2, 4, 7):
        tally.add(0, offset)
    assert tally.open == {0}
    tally.add(0, 9)  # the mark before it is not delivered, so the end was not seen sooner
    assert tally.open == set()
    assert [part.in_kafka for part in tally.make_recounts()] == [3, 2, 0]


@pytest.mark.parametrize(("tables", "status"), [(HDFS, 0), (TableCounts(), 1)])
def test_program_prints_and_writes_the_report(
    tables: TableCounts, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(ledger, "read_report", lambda *arguments: calls.append(arguments[1:]) or replace(REPORT, tables=tables))
    file = tmp_path / "report.json"
    assert ledger.main(["--acknowledged", "100", "--json", str(file)], topic="raw") == status
    assert calls[0] == ("raw", 100)
    written = json.loads(file.read_text())
    assert (written["adds_up"], written["waiting"], written["topics"][0]["counts"]["good"]) == (status == 0, {"0": 0, "1": 0}, 90)
    assert ("OFF " in capsys.readouterr().out) is (status == 1)
    ledger.main(["--quiet"], topic="raw")
    assert capsys.readouterr().out == ""


def test_an_unreadable_store_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def away(*_: Any) -> None:
        raise LedgerUnreadable("the tables can't be read: refused; see ./run status namenode")

    monkeypatch.setattr(ledger, "read_report", away)
    monkeypatch.delenv("PROGRAM_NAME", raising=False)
    with pytest.raises(SystemExit) as ended:
        ledger.main([])
    assert ended.value.code == 1
    output = capsys.readouterr()
    assert (output.out, output.err) == (
        "",
        "python -m streaming.ledger: the tables can't be read: refused; see ./run status namenode\n",
    )
