"""Replay: what leaves quarantine and what stays, that a dry run changes nothing, and that a crash anywhere doubles nothing."""

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
from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings, load
from streaming.replay import __main__ as program
from streaming.replay import replay as work
from streaming.replay import rows as replay_rows
from streaming.replay.repairs import Repair
from streaming.replay.replay import Asked, replay
from streaming.replay.rows import NoQuarantine, patiently
from streaming.replay.summary import Summary
from streaming.sink import write_batch
from streaming.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS, TABLES, ensure_tables
from tests.spark_session import utc
from tests.streaming.conftest import Messages

NOW = utc(2019, 10, 9, 8)
FIRST, SECOND = utc(2019, 10, 1, 12, 30), utc(2019, 10, 2, 12, 30)
WISH = {"event_type": "wishlist", "color": "red"}


@dataclass
class Shop:
    """Tables on the local disk, and replays of them as an operator types them."""

    spark: SparkSession
    settings: Settings
    messages: Messages

    def receive(self, *values: Any, stream: str = "stream", batch: int = 0, **where: Any) -> None:
        write_batch(self.settings, self.messages(*values, **where), stream, batch)

    def replay(self, options: str = "") -> str:
        """What is said."""
        asked = program._asked(program._parser().parse_args(options.split()))
        said: list[str] = []
        replay(self.spark, self.settings, asked, NOW, said.append)
        return "\n".join(said)

    def rows(self, table: str) -> list[Row]:
        loaded = self.spark.read.format("delta").load(table_url(self.settings, table))
        return loaded.orderBy("kafka_offset", "received_at").collect()

    def events(self) -> list[int]:
        """Offsets: a message that was doubled is there twice."""
        return [row.kafka_offset for row in self.rows(EVENTS)]

    def replayed(self) -> dict[int, str]:
        """Offset of rows that are marked, and by what."""
        return {row.kafka_offset: row.replayed_how for row in self.rows(QUARANTINE) if row.replayed_at}

    def claims(self) -> list[str]:
        return [left.told for left in replay_rows.unfinished(self.spark, self.settings)]

    def old_table(self, payload: bytes) -> None:
        """Quarantine with a row, as it was before there was a replay."""
        old = StructType([field for field in QUARANTINE_TABLE.schema if field.name not in REPLAY_COLUMNS])
        row = ("bad_type", "event_type", "?", bytearray(payload), FIRST.date(), FIRST, "events.raw", 0, 7)
        frame = self.spark.createDataFrame([row], old)
        frame.write.format("delta").partitionBy("received_day").save(table_url(self.settings, QUARANTINE))

    def log(self, table: str) -> list[Path]:
        return sorted(Path(table_url(self.settings, table).removeprefix("file:")).glob("_delta_log/*.json"))


@pytest.fixture
def shop(spark: SparkSession, messages: Messages, tmp_path: Path) -> Shop:
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")  # as Spark writes a path itself
    ensure_tables(spark, settings)
    return Shop(spark, settings, messages)


@pytest.mark.spark
def test_what_passes_becomes_events_and_all_else_stays(shop: Shop) -> None:
    shop.receive({}, WISH, {"event_type": "x", "price": "-1"}, b"{", received=FIRST)
    shop.receive({"price": "free"}, WISH | {"event_time": "2019-10-02 01:00:00 UTC"}, batch=1, first_offset=4, received=SECOND)
    before = shop.rows(QUARANTINE)
    logs = [shop.log(table) for table in (EVENTS, QUARANTINE)]

    repair = "--map event_type:wishlist=view event_type:x=cart"
    said = shop.replay(f"{repair} --dry-run")
    assert [shop.log(table) for table in (EVENTS, QUARANTINE)] == logs
    assert "5 of 5 waiting rows are selected, 2 would pass" in said
    assert "  bad_type      event_type               3             2           1\n" in said
    assert "  not_json      -                        1             0           1\n" in said
    assert "  bad_price     price                    2\n" in said, "the reason that is in the way now"
    assert said.count("before  ") == said.count("after   ") == 5
    assert 'after   an event: {"event_time":"2019-10-01T12:00:00.000Z","event_type":"view"' in said

    assert "rows that became events: 1;" in shop.replay(f"{repair} --from 2019-10-02 --reason bad_type")
    assert shop.events() == [0, 5]
    assert shop.replayed() == {5: repair.replace(" event_type:x", " --map event_type:x")}
    again = shop.replay(f"{repair} --field event_type --from 2019-10-02")
    assert again.startswith("no waiting row is selected; there wait\n  bad_type      event_type               2")
    assert shop.events() == [0, 5]

    kept = [column for column in QUARANTINE_TABLE.column_names if column not in REPLAY_COLUMNS]
    assert [[row[column] for column in kept] for row in shop.rows(QUARANTINE)] == [
        [row[column] for column in kept] for row in before
    ]
    assert {row.replayed_at for row in shop.rows(QUARANTINE) if row.replayed_how} == {NOW}
    event = shop.rows(EVENTS)[1]
    assert event.asDict().keys() == set(EVENTS_TABLE.column_names)
    assert (event.event_type, event.extra, event.received_at) == ("view", '{"color":"red"}', SECOND)
    assert (event.event_day, event.kafka_topic, event.kafka_partition) == (date(2019, 10, 2), "events.raw", 0)
    added = [json.loads(line)["add"] for line in shop.log(EVENTS)[-1].read_text().splitlines() if line.startswith('{"add"')]
    assert [(add["partitionValues"], add["dataChange"]) for add in added] == [({"event_day": "2019-10-02"}, True)]


@pytest.mark.spark
def test_crashes_double_nothing_and_lose_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the claim, between claim and append, between append and mark; then another command ends it."""
    shop.receive(WISH, b"x")

    def killed(module: Any, step: str, options: str) -> None:
        def crash(*_: Any) -> None:
            raise RuntimeError("killed here")

        with monkeypatch.context() as patch:
            patch.setattr(module, step, crash)
            with pytest.raises(RuntimeError, match="killed here"):
                shop.replay(options)

    killed(replay_rows, "claim", "--set event_type=view")
    assert (shop.events(), shop.claims()) == ([], [])
    killed(work, "_append", "--set event_type=view")
    assert (shop.events(), shop.claims()) == ([], ["--set event_type=view"])
    killed(replay_rows, "mark", "--set event_type=cart")
    assert (shop.events(), shop.claims()) == ([0], ["--set event_type=view"])
    assert "was cut off" in shop.replay("--reason missing --dry-run")
    assert "finished the replay" in shop.replay("--reason missing")
    assert (shop.events(), shop.claims()) == ([0], [])
    # Done with the repair that it was claimed with.
    assert (shop.rows(EVENTS)[0].event_type, shop.replayed()) == ("view", {0: "--set event_type=view"})


@pytest.mark.spark
def test_claimed_rows_that_the_parser_refuses_by_now(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a crash and the next replay the code has changed. Rows without an event wait again, the others are done."""
    shop.receive(WISH, WISH, {"event_type": "view"})
    rows = replay_rows.quarantine(shop.spark, shop.settings)
    left = replay_rows.Claim("cut-off", "--set event_type=view", FIRST.date(), FIRST.date())
    assert replay_rows.claim(shop.spark, shop.settings, rows, left) == 2
    # The first of them is an event already.
    url = table_url(shop.settings, EVENTS)
    event = shop.spark.read.format("delta").load(url).withColumn("kafka_offset", F.lit(0).cast("bigint"))
    event.write.format("delta").mode("append").save(url)
    monkeypatch.setattr(work, "repair_told", lambda _: Repair())
    work.finish(shop.spark, shop.settings, left, NOW)
    assert shop.events() == [0, 2]
    assert {row.kafka_offset: bool(row.replayed_at) for row in shop.rows(QUARANTINE)} == {0: True, 1: False}
    assert {row.kafka_offset: row.replay_id for row in shop.rows(QUARANTINE)} == {0: "cut-off", 1: None}


@pytest.mark.spark
def test_three_at_once_append_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second replay claims what the first is about to. A third takes the second for dead, while it is only slow, and ends
    its work; the second then appends and marks all the same."""
    shop.receive(WISH, WISH)
    summarise, append = work.summarise, work._append

    def overtaken(*frames: Any) -> Any:
        monkeypatch.setattr(work, "summarise", summarise)
        found = summarise(*frames)
        shop.replay("--set event_type=cart")
        return found

    def slow(*given: Any) -> None:
        monkeypatch.setattr(work, "_append", append)
        (left,) = replay_rows.unfinished(shop.spark, shop.settings)
        work.finish(shop.spark, shop.settings, left, NOW)
        append(*given)

    monkeypatch.setattr(work, "summarise", overtaken)
    monkeypatch.setattr(work, "_append", slow)
    assert "another replay took 2 of the rows" in shop.replay("--set event_type=view")
    assert [row.event_type for row in shop.rows(EVENTS)] == ["cart", "cart"]
    assert len(shop.replayed()) == 2


@pytest.mark.spark
def test_a_message_that_is_there_twice_is_one_event_and_the_stream_goes_on_meanwhile(shop: Shop) -> None:
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
    assert shop.events() == [0, *(10 * batch for batch in range(1, written + 1))]
    assert [bool(row.replayed_at) for row in shop.rows(QUARANTINE)] == [True, True] + [False] * written


@pytest.mark.spark
def test_table_of_before_there_was_a_replay(spark: SparkSession, messages: Messages, tmp_path: Path) -> None:
    shop = Shop(spark, replace(load({}), hdfs_url=f"file:{tmp_path}"), messages)
    with pytest.raises(NoQuarantine, match=r"no quarantine at file:.* yet; the stream makes it: ./run stream"):
        shop.replay("--dry-run")
    assert list(tmp_path.iterdir()) == []
    shop.old_table(message(WISH))
    assert "1 would pass" in shop.replay("--set event_type=view --dry-run")
    assert set(REPLAY_COLUMNS).isdisjoint(shop.rows(QUARANTINE)[0].asDict())

    ensure_tables(spark, shop.settings)
    versions = {table.name: len(shop.log(table.name)) for table in TABLES}
    ensure_tables(spark, shop.settings)  # twice = once
    assert {table.name: len(shop.log(table.name)) for table in TABLES} == versions
    assert spark.read.format("delta").load(table_url(shop.settings, QUARANTINE)).schema == QUARANTINE_TABLE.schema
    shop.receive({}, WISH)  # the stream writes on
    assert [(row.kafka_offset, row.replayed_at) for row in shop.rows(QUARANTINE)] == [(1, None), (7, None)]


def test_nothing_waits() -> None:
    nothing: Counter[tuple[str, str]] = Counter()
    summary = Summary(nothing, nothing, nothing, nothing, (), None)
    assert work._told(summary, Asked(replay_rows.Selection(), Repair(), False)) == "nothing waits in quarantine"


def test_a_bounded_patience_with_who_appends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_rows, "PAUSE_SECONDS", 0)
    left = [delta.ConcurrentAppendException("files were added")] * replay_rows.ATTEMPTS

    def step() -> str:
        if left:
            raise left.pop()
        return "done"

    with pytest.raises(delta.ConcurrentAppendException):
        patiently(step)
    assert patiently(step) == "done"


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
    assert line.startswith("./run replay: another program changed the same rows meanwhile")


def test_what_was_typed() -> None:
    options = ["--reason", "missing", "bad_type", "--reason", "too_long", "--field", "brand", "--from", "2019-10-01", "--dry-run"]
    asked = program._asked(program._parser().parse_args(options))
    selection = replay_rows.Selection(["missing", "bad_type", "too_long"], ["brand"], date(2019, 10, 1), None)
    assert asked == Asked(selection, Repair(), True)
