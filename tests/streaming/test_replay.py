"""Replay: which rows leave quarantine and which stay; a dry run changes nothing and a crash at any step doubles nothing."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from delta import exceptions as delta
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from cdp.events.examples import message
from cdp.lake.paths import EVENTS, QUARANTINE, table_url
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS, STREAM_TABLES
from cdp.settings import Settings, load
from cdp.spark import lake_schema
from streaming.events.sink import write_tables
from streaming.replay import __main__ as program
from streaming.replay import replay as work
from streaming.replay import rows as replay_rows
from streaming.replay.repairs import Repair
from streaming.replay.replay import ReplayArguments, replay
from streaming.replay.rows import QuarantineMissing, retry_on_append
from streaming.replay.summary import ReplaySummary
from streaming.tables import ensure_tables
from tests.spark_session import utc
from tests.streaming.conftest import Messages

#: A stream waits longer; without a pause its small batches would come faster than Delta can finish a merge beside them.
BETWEEN_BATCHES = 6.0
NOW = utc(2019, 10, 9, 8)
FIRST, SECOND = utc(2019, 10, 1, 12, 30), utc(2019, 10, 2, 12, 30)
WISH = {"event_type": "wishlist", "color": "red"}


@dataclass
class Shop:
    """Tables on the local disk, and replays of them with command-line options."""

    spark: SparkSession
    settings: Settings
    messages: Messages

    def receive(self, *values: Any, stream: str = "stream", batch: int = 0, **where: Any) -> None:
        write_tables(self.settings, self.messages(*values, **where), stream, batch)

    def replay(self, options: str = "") -> str:
        """Returns the printed lines."""
        arguments = program._check_options(program._make_parser().parse_args(options.split()))
        lines: list[str] = []
        replay(self.spark, self.settings, arguments, NOW, lines.append)
        return "\n".join(lines)

    def read_rows(self, table: str) -> list[Row]:
        loaded = self.spark.read.format("delta").load(table_url(self.settings, table))
        return loaded.orderBy("kafka_offset", "received_at").collect()

    def event_offsets(self) -> list[int]:
        """The offsets of all events; a doubled message appears twice."""
        return [row.kafka_offset for row in self.read_rows(EVENTS)]

    def replayed_rows(self) -> dict[int, str]:
        """Offset of each replayed row -> its repair."""
        return {row.kafka_offset: row.replayed_how for row in self.read_rows(QUARANTINE) if row.replayed_at}

    def claims(self) -> list[str]:
        return [claim.repair_text for claim in replay_rows.read_unfinished_claims(self.spark, self.settings)]

    def write_old_table(self, payload: bytes) -> None:
        """Write a quarantine with one row, with the columns it had before the replay existed."""
        old = StructType([field for field in lake_schema(QUARANTINE_TABLE) if field.name not in REPLAY_COLUMNS])
        row = ("bad_type", "event_type", "?", bytearray(payload), FIRST.date(), FIRST, "events.raw", 0, 7)
        frame = self.spark.createDataFrame([row], old)
        frame.write.format("delta").partitionBy("received_day").save(table_url(self.settings, QUARANTINE))

    def log(self, table: str) -> list[Path]:
        return sorted(Path(table_url(self.settings, table).removeprefix("file:")).glob("_delta_log/*.json"))


@pytest.fixture
def shop(spark: SparkSession, messages: Messages, tmp_path: Path) -> Shop:
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")  # as Spark writes a path itself
    ensure_tables(settings, STREAM_TABLES)
    return Shop(spark, settings, messages)


@pytest.mark.spark
def test_passing_rows_become_events_and_the_others_stay(shop: Shop) -> None:
    shop.receive({}, WISH, {"event_type": "x", "price": "-1"}, b"{", received=FIRST)
    shop.receive({"price": "free"}, WISH | {"event_time": "2019-10-02 01:00:00 UTC"}, batch=1, first_offset=4, received=SECOND)
    before = shop.read_rows(QUARANTINE)
    logs = [shop.log(table) for table in (EVENTS, QUARANTINE)]

    repair = "--map event_type:wishlist=view event_type:x=cart"
    output = shop.replay(f"{repair} --dry-run")
    assert [shop.log(table) for table in (EVENTS, QUARANTINE)] == logs
    assert "5 of 5 waiting rows are selected, 2 would pass" in output
    assert "  bad_type      event_type               3             2           1\n" in output
    assert "  not_json      -                        1             0           1\n" in output
    assert "  bad_price     price                    2\n" in output, "the reason of the new refusal"
    assert output.count("before  ") == output.count("after   ") == 5
    assert 'after   an event: {"event_time":"2019-10-01T12:00:00.000Z","event_type":"view"' in output

    assert "rows that became events: 1;" in shop.replay(f"{repair} --from 2019-10-02 --reason bad_type")
    assert shop.event_offsets() == [0, 5]
    assert shop.replayed_rows() == {5: repair.replace(" event_type:x", " --map event_type:x")}
    again = shop.replay(f"{repair} --field event_type --from 2019-10-02")
    assert again.startswith("no waiting row is selected; ")
    assert "\n  bad_type      event_type               2" in again
    assert shop.event_offsets() == [0, 5]

    fixed = [column for column in QUARANTINE_TABLE.column_names if column not in REPLAY_COLUMNS]
    assert [[row[column] for column in fixed] for row in shop.read_rows(QUARANTINE)] == [
        [row[column] for column in fixed] for row in before
    ]
    assert {row.replayed_at for row in shop.read_rows(QUARANTINE) if row.replayed_how} == {NOW}
    event = shop.read_rows(EVENTS)[1]
    assert event.asDict().keys() == set(EVENTS_TABLE.column_names)
    assert (event.event_type, event.extra, event.received_at) == ("view", '{"color":"red"}', SECOND)
    assert (event.event_day, event.kafka_topic, event.kafka_partition) == (date(2019, 10, 2), "events.raw", 0)
    added = [json.loads(line)["add"] for line in shop.log(EVENTS)[-1].read_text().splitlines() if line.startswith('{"add"')]
    assert [(add["partitionValues"], add["dataChange"]) for add in added] == [({"event_day": "2019-10-02"}, True)]


@pytest.mark.spark
def test_crashes_double_nothing_and_lose_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the claim, between claim and append, and between append and mark; then another command finishes it."""
    shop.receive(WISH, b"x")

    def kill_at(module: Any, step: str, options: str) -> None:
        def crash(*_: Any) -> None:
            raise RuntimeError("killed here")

        with monkeypatch.context() as patch:
            patch.setattr(module, step, crash)
            with pytest.raises(RuntimeError, match="killed here"):
                shop.replay(options)

    kill_at(replay_rows, "claim_rows", "--set event_type=view")
    assert (shop.event_offsets(), shop.claims()) == ([], [])
    kill_at(work, "_append", "--set event_type=view")
    assert (shop.event_offsets(), shop.claims()) == ([], ["--set event_type=view"])
    kill_at(replay_rows, "mark_replayed", "--set event_type=cart")
    assert (shop.event_offsets(), shop.claims()) == ([0], ["--set event_type=view"])
    assert "was interrupted" in shop.replay("--reason missing --dry-run")
    assert "finished the interrupted replay" in shop.replay("--reason missing")
    assert (shop.event_offsets(), shop.claims()) == ([0], [])
    # It was finished with the repair of the claim.
    assert (shop.read_rows(EVENTS)[0].event_type, shop.replayed_rows()) == ("view", {0: "--set event_type=view"})


@pytest.mark.spark
def test_claimed_rows_that_the_parser_now_refuses(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code has changed between a crash and the next replay. Rows without an event wait again; the others are marked."""
    shop.receive(WISH, WISH, {"event_type": "view"})
    rows = replay_rows.read_quarantine(shop.spark, shop.settings)
    claim = replay_rows.Claim("interrupted", "--set event_type=view", FIRST.date(), FIRST.date())
    assert replay_rows.claim_rows(shop.spark, shop.settings, rows, claim) == 2
    # The first of them is already an event.
    url = table_url(shop.settings, EVENTS)
    event = shop.spark.read.format("delta").load(url).withColumn("kafka_offset", F.lit(0).cast("bigint"))
    event.write.format("delta").mode("append").save(url)
    monkeypatch.setattr(work, "parse_repair_text", lambda _: Repair())
    work.finish(shop.spark, shop.settings, claim, NOW)
    assert shop.event_offsets() == [0, 2]
    assert {row.kafka_offset: bool(row.replayed_at) for row in shop.read_rows(QUARANTINE)} == {0: True, 1: False}
    assert {row.kafka_offset: row.replay_id for row in shop.read_rows(QUARANTINE)} == {0: "interrupted", 1: None}


@pytest.mark.spark
def test_three_at_once_append_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second replay claims the rows that the first is about to claim. A third finishes the claim of the second, which is slow
    but not dead; the second then appends and marks too."""
    shop.receive(WISH, WISH)
    summarise, append = work.summarise, work._append

    def summarise_late(*frames: Any) -> Any:
        monkeypatch.setattr(work, "summarise", summarise)
        summary = summarise(*frames)
        shop.replay("--set event_type=cart")
        return summary

    def append_late(*arguments: Any) -> None:
        monkeypatch.setattr(work, "_append", append)
        (claim,) = replay_rows.read_unfinished_claims(shop.spark, shop.settings)
        work.finish(shop.spark, shop.settings, claim, NOW)
        append(*arguments)

    monkeypatch.setattr(work, "summarise", summarise_late)
    monkeypatch.setattr(work, "_append", append_late)
    assert "another replay claimed 2 of the " in shop.replay("--set event_type=view")
    assert [row.event_type for row in shop.read_rows(EVENTS)] == ["cart", "cart"]
    assert len(shop.replayed_rows()) == 2


@pytest.mark.spark
def test_a_message_in_quarantine_twice_is_one_event_and_the_stream_keeps_running(shop: Shop) -> None:
    """A stream that lost its checkpoint writes all messages again."""
    for stream in ("old", "new"):
        shop.receive(WISH, stream=stream)
    failed: list[Exception] = []
    ended = threading.Event()
    written = 0

    def stream_on() -> None:
        nonlocal written
        try:
            while not ended.is_set():
                written += 1
                shop.receive({}, b"x", batch=written, first_offset=10 * written)
                ended.wait(BETWEEN_BATCHES)
        except Exception as error:
            failed.append(error)

    running = threading.Thread(target=stream_on)
    running.start()
    try:
        assert "rows that became events: 2;" in shop.replay("--set event_type=view")
    finally:
        ended.set()
        running.join()
    assert failed == []
    assert shop.event_offsets() == [0, *(10 * batch for batch in range(1, written + 1))]
    assert [bool(row.replayed_at) for row in shop.read_rows(QUARANTINE)] == [True, True] + [False] * written


@pytest.mark.spark
def test_a_table_older_than_the_replay(spark: SparkSession, messages: Messages, tmp_path: Path) -> None:
    shop = Shop(spark, replace(load({}), hdfs_url=f"file:{tmp_path}"), messages)
    with pytest.raises(QuarantineMissing, match=r"no quarantine at file:.* ./run stream"):
        shop.replay("--dry-run")
    assert list(tmp_path.iterdir()) == []
    shop.write_old_table(message(WISH))
    assert "1 would pass" in shop.replay("--set event_type=view --dry-run")
    assert set(REPLAY_COLUMNS).isdisjoint(shop.read_rows(QUARANTINE)[0].asDict())

    ensure_tables(shop.settings, STREAM_TABLES)
    versions = {table.name: len(shop.log(table.name)) for table in STREAM_TABLES}
    ensure_tables(shop.settings, STREAM_TABLES)  # twice = once
    assert {table.name: len(shop.log(table.name)) for table in STREAM_TABLES} == versions
    assert spark.read.format("delta").load(table_url(shop.settings, QUARANTINE)).schema == lake_schema(QUARANTINE_TABLE)
    shop.receive({}, WISH)  # the stream can still write
    assert [(row.kafka_offset, row.replayed_at) for row in shop.read_rows(QUARANTINE)] == [(1, None), (7, None)]


def test_nothing_waits() -> None:
    nothing: Counter[tuple[str, str]] = Counter()
    summary = ReplaySummary(nothing, nothing, nothing, nothing, (), None)
    arguments = ReplayArguments(replay_rows.Selection(), Repair(), False)
    assert work._describe(summary, arguments) == "no row waits in quarantine"


def test_retries_after_concurrent_appends_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_on_append, "sleep", lambda seconds: None)
    errors = [delta.ConcurrentAppendException("files were added")] * replay_rows.ATTEMPTS

    def step() -> str:
        if errors:
            raise errors.pop()
        return "done"

    with pytest.raises(delta.ConcurrentAppendException):
        retry_on_append(step)
    assert retry_on_append(step) == "done"


class FakeSpark:
    def stop(self) -> None:
        pass


@pytest.mark.parametrize("error", [delta.ConcurrentTransactionException("x"), delta.ConcurrentDeleteReadException("y")])
def test_a_conflict_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(program, "session", lambda *_, **__: FakeSpark())
    monkeypatch.setattr(program, "replay", fail)
    monkeypatch.setenv("PROGRAM_NAME", "./run replay")
    with pytest.raises(SystemExit) as ended:
        program.main(["--set", "event_type=view"])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert line.startswith("./run replay: another program changed the same rows")


def test_options_become_arguments() -> None:
    options = ["--reason", "missing", "bad_type", "--reason", "too_long", "--field", "brand", "--from", "2019-10-01", "--dry-run"]
    arguments = program._check_options(program._make_parser().parse_args(options))
    selection = replay_rows.Selection(["missing", "bad_type", "too_long"], ["brand"], date(2019, 10, 1), None)
    assert arguments == ReplayArguments(selection, Repair(), True)


def test_json_has_the_counts_and_no_part_of_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, fixed = ("bad_type", "event_type"), ("bad_price", "price")
    summary = ReplaySummary(Counter({wrong: 9}), Counter({wrong: 7}), Counter({wrong: 5}), Counter({fixed: 2}), ("secret",), None)

    def replay(*arguments: Any) -> ReplaySummary:
        arguments[-1]("secret")
        return summary

    monkeypatch.setattr(program, "session", lambda *_, **__: FakeSpark())
    monkeypatch.setattr(program, "replay", replay)
    assert program.main(["--json", "--dry-run"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "waiting": 9,
        "selected": 7,
        "passing": 5,
        "groups": [{"reason": "bad_type", "field": "event_type", "selected": 7, "passing": 5}],
        "remaining": [{"reason": "bad_price", "field": "price", "count": 2}],
    }
