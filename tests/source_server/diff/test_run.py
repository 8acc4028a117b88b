"""Whole runs with a real broker: the topic and the last snapshot agree, however a run is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from cdp.events import TOPICS, Topic
from cdp.events.topics import MAX_ROW_BYTES
from cdp.kafka import client_config
from cdp.settings import REPOSITORY, Settings, current
from infra.stack.services import kafka
from infra.stack.topics import TopicReader
from source_server.diff import folder, send
from source_server.diff.__main__ import STOPPED
from source_server.diff.compare import ChangeCounts, RowChange
from source_server.diff.folder import process_folder
from source_server.diff.options import make_options
from source_server.diff.refusal import DiffRefused, DiffRunning
from source_server.diff.run import DiffMode, DiffReport, compare_file
from source_server.diff.send import make_messages
from source_server.diff.snapshots import Snapshots
from source_server.intake.refusal import FileRefused
from source_server.produce.kafka import Patience
from source_server.produce.page_writer import KeyAndValue, PageWriter
from source_server.produce.stopping import stop_on_signal

pytestmark = pytest.mark.stack("kafka")
TOPIC = Topic("test.diff", "primary key", "what the tests of a diff send", max_bytes=MAX_ROW_BYTES)
PAGE = 100
ROWS = dict.fromkeys(range(1, 451), "placed")


@dataclass(frozen=True)
class Shop:
    """An installation of a test's own, with a position of its own, and a topic that other tests do not read."""

    settings: Settings
    folder: Path
    position: str
    start: int  # the topic's end before the test

    def write(self, rows: dict[int, str], name: str = "orders.csv") -> Path:
        path = self.folder / name
        path.write_text("order_id,status\n" + "".join(f"{number},{status}\n" for number, status in rows.items()))
        return path

    def compare(self, rows: dict[int, str], name: str = "orders.csv", **mode: Any) -> DiffReport:
        return compare_file(self.settings, self.write(rows, name), make_options("orders"), DiffMode(**mode))

    def messages(self) -> list[tuple[int, dict[str, Any] | None]]:
        """Key and value, in order."""
        messages = TopicReader(self.settings, TOPIC.name).read_last(100_000)
        later = [message for message in messages if (message.offset() or 0) >= self.start]
        return [
            (json.loads(message.key() or b"")["order_id"], json.loads(value) if (value := message.value()) else None)
            for message in later
        ]

    def operations(self) -> Counter[str]:
        return Counter(value["op"] if value else "tombstone" for _, value in self.messages())

    def rebuild(self) -> dict[int, str]:
        """The table as a reader of the topic has it. Each message must continue the one before it."""
        table: dict[int, Any] = {}
        for key, value in self.messages():
            if value is None:
                assert key not in table, "a tombstone comes after its deletion"
            elif value["op"] == "d":
                assert table.pop(key) == value["before"]
            else:
                assert value["op"] == "r" or value["before"] == table.get(key)
                table[key] = value["after"]
        return {key: row["status"] for key, row in table.items()}

    def start_program(self, path: Path, before: str = "") -> subprocess.Popen[str]:
        """The command in its own process, with small pages, after running the code in `before`."""
        text = f"""
import os, signal, sys
from source_server.diff import __main__ as program, send
from source_server.produce import page_writer
from tests.source_server.diff.test_run import TOPIC
send.find_topic = lambda table: TOPIC
send.name_position = lambda table: {self.position!r}
send.PAGE_MESSAGES = {PAGE}
{before}
sys.exit(program.main([{str(path)!r}, "--table", "orders"]))
"""
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "CDP_VAR_DIR": str(self.settings.var_dir)}
        argv = [sys.executable, "-c", text]
        return subprocess.Popen(argv, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    position = f"test-diff-{uuid.uuid4().hex[:12]}"
    monkeypatch.setattr(kafka, "TOPICS", (*TOPICS, TOPIC))
    kafka.ensure_topics(current())
    monkeypatch.setattr(send, "find_topic", lambda table: TOPIC)
    monkeypatch.setattr(send, "name_position", lambda table: position)
    monkeypatch.setattr(send, "PAGE_MESSAGES", PAGE)
    monkeypatch.setattr(folder, "QUIET_SECONDS", 0)
    exports = tmp_path / "exports"
    exports.mkdir()
    settings = replace(current(), var_dir=tmp_path / "var", diff_folder=exports)
    return Shop(settings, exports, position, read_end(settings))


def read_end(settings: Settings) -> int:
    admin, place = AdminClient(client_config(settings)), TopicPartition(TOPIC.name, 0)
    return int(admin.list_offsets({place: OffsetSpec.latest()})[place].result().offset)


def test_differences_of_three_exports(shop: Shop) -> None:
    first = shop.compare(ROWS)
    assert (first.rows, first.changes) == (450, ChangeCounts(inserted=450))
    assert shop.operations() == {"r": 450}
    assert shop.rebuild() == ROWS
    assert shop.compare(ROWS).changes == ChangeCounts()
    assert shop.operations() == {"r": 450}, "the same export twice sends nothing"
    later = {number: "paid" if number % 3 else status for number, status in ROWS.items() if number > 100} | {900: "placed"}
    assert shop.compare(later).changes == ChangeCounts(1, sum(1 for status in later.values() if status == "paid"), 100)
    assert shop.rebuild() == later
    assert shop.operations()["tombstone"] == 100
    value = shop.messages()[0][1]
    assert value is not None
    expected = {"connector": "file", "table": "orders", "lsn": None, "file": "orders.csv", "snapshot": "true"}
    assert value["source"].items() >= expected.items()
    assert abs(value["source"]["ts_us"] / 1e6 - time.time()) < 600


KILL_BEFORE_COMMIT = """
class Dying(page_writer.Producer):
    pages = 0
    def commit_transaction(self, timeout):
        Dying.pages += 1
        if Dying.pages == 3:
            self.flush(10)
            os.kill(os.getpid(), signal.SIGKILL)
        super().commit_transaction(timeout)
page_writer.Producer = Dying
"""
KILL_AFTER_COMMIT = KILL_BEFORE_COMMIT.replace("self.flush(10)", "super().commit_transaction(timeout)")
#: The first transaction begins, the sixth ends: 450 rows in pages of 100.
KILL_AFTER_LAST_COMMIT = KILL_AFTER_COMMIT.replace("== 3", "== 6")


@pytest.mark.parametrize(
    ("dying", "rows"), [(KILL_BEFORE_COMMIT, PAGE), (KILL_AFTER_COMMIT, 2 * PAGE), (KILL_AFTER_LAST_COMMIT, 450)]
)
def test_next_run_finishes_what_a_killed_run_began(dying: str, rows: int, shop: Shop) -> None:
    """The next export is another one. Every change of both is sent once."""
    assert shop.start_program(shop.write(ROWS), dying).wait(60) == -signal.SIGKILL
    assert shop.operations() == {"r": rows}
    later = ROWS | {1: "paid", 451: "placed"}
    assert shop.compare(later).changes == ChangeCounts(1, 1, 0)
    assert shop.operations() == {"r": 450, "u": 1, "c": 1}
    assert shop.rebuild() == later
    assert [key for key, _ in shop.messages()][:450] == list(ROWS), "in the order of the key"


def test_page_that_is_lost_is_sent_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer writer of the same table fences off this one in the middle of a page, and writes nothing."""

    def fence_off(change: RowChange, tail: bytes) -> list[KeyAndValue]:
        if change.key == '{"order_id":250}' and not others:
            others.append(PageWriter(shop.settings, shop.position, Patience(shop.settings, 60, threading.Event()), TOPIC))
        return make_messages(change, tail)

    others: list[PageWriter] = []
    monkeypatch.setattr(send, "make_messages", fence_off)
    shop.compare(ROWS)
    assert others
    assert [key for key, _ in shop.messages()] == list(ROWS)


STOP_AFTER_PAGE = """
class Stopping(page_writer.Producer):
    pages = 0
    def commit_transaction(self, timeout):
        super().commit_transaction(timeout)
        Stopping.pages += 1
        if Stopping.pages == 3:
            os.kill(os.getpid(), signal.SIGTERM)
page_writer.Producer = Stopping
"""


def test_stopped_run_says_so_and_is_finished_later(shop: Shop) -> None:
    process = shop.start_program(shop.write(ROWS), STOP_AFTER_PAGE)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert STOPPED in error
    assert shop.operations() == {"r": 2 * PAGE}
    assert shop.compare(ROWS).changes == ChangeCounts()
    assert shop.operations() == {"r": 450}


def test_file_that_deletes_more_than_a_third_is_refused(shop: Shop) -> None:
    shop.compare(ROWS)
    few = dict.fromkeys(range(1, 300), "placed")
    with pytest.raises(DiffRefused, match=r"orders\.csv would delete 151 of 450 rows of orders, more than a third"):
        shop.compare(few)
    assert shop.compare(few, dry_run=True).deletes_too_many
    assert shop.compare(few | {300: "placed"}).changes == ChangeCounts(0, 0, 150)
    assert shop.compare({}, allow_deletes=True).changes == ChangeCounts(0, 0, 300)
    assert shop.rebuild() == {}


def test_dry_run_counts_and_sends_nothing(shop: Shop) -> None:
    shop.compare(ROWS)
    files = sorted(path.name for path in shop.settings.state_dir.rglob("*.parquet"))
    report = shop.compare(ROWS | {2: "paid", 451: "placed"}, dry_run=True)
    assert (report.dry_run, report.changes) == (True, ChangeCounts(1, 1, 0))
    assert report.examples == (
        '  {"order_id":2} updated: status "placed" → "paid"',
        '  {"order_id":451} inserted: order_id 451, status "placed"',
    )
    assert "examples" not in report.as_json()
    assert shop.operations() == {"r": 450}
    assert sorted(path.name for path in shop.settings.state_dir.rglob("*.parquet")) == files


def test_lost_snapshot_is_an_error_until_all_rows_are_sent_again(shop: Shop) -> None:
    shop.compare(ROWS)
    (snapshot,) = shop.settings.state_dir.rglob("*.parquet")
    snapshot.unlink()
    assert shop.compare(ROWS).changes == ChangeCounts(), "the same rows need no older snapshot"
    snapshot.unlink()
    later = ROWS | {1: "paid"}
    with pytest.raises(DiffRefused, match=f"the last snapshot of orders is lost: {snapshot}"):
        shop.compare(later)
    shop.compare(later, resend=True)
    assert shop.operations() == {"r": 900}
    assert shop.rebuild() == later
    assert shop.compare(later | {2: "paid"}, resend=True).resent == 450
    assert shop.operations() == {"r": 1350, "u": 1}, "the differences come first, then all rows"


def test_second_run_of_a_table_is_refused_while_the_first_runs(shop: Shop) -> None:
    options = make_options("orders")
    with Snapshots(shop.settings, "orders", options.key).lock(), pytest.raises(DiffRunning, match="another run compares orders"):
        shop.compare(ROWS)


def test_refused_file_leaves_nothing_behind(shop: Shop) -> None:
    path = shop.write(ROWS)
    path.write_text(path.read_text() + "1,placed\n")
    with pytest.raises(FileRefused, match="line 452 has the same order_id as line 2"):
        compare_file(shop.settings, path, make_options("orders"))
    assert list(shop.settings.state_dir.rglob("*.parquet")) == []


def test_files_of_the_folder_are_compared_once(shop: Shop) -> None:
    shop.write({1: "placed"}, "orders-1.csv")
    os.utime(shop.folder / "orders-1.csv", (1, 1))
    shop.write({1: "placed", 2: "placed"}, "orders-2.csv")
    shop.write({}, "unknown.csv")
    shop.write({3: "placed"}, "orders-3.csv.part")
    (shop.folder / "orders-4.csv").write_text("order_id,status\n5\n")
    with stop_on_signal() as stop:
        outcomes = {outcome.file: outcome for outcome in process_folder(shop.settings, stop)}
        assert list(process_folder(shop.settings, stop)) == []
    assert {name for name, outcome in outcomes.items() if outcome.report} == {"orders-1.csv", "orders-2.csv"}
    assert shop.rebuild() == {1: "placed", 2: "placed"}
    assert sorted(path.name.partition("-")[2] for path in (shop.folder / "done").iterdir()) == ["orders-1.csv", "orders-2.csv"]
    reason_file = outcomes["orders-4.csv"].reason_file
    assert reason_file is not None
    assert "line 2: the row has 1 value instead of 2" in reason_file.read_text()
    assert reason_file.with_name(reason_file.name.removesuffix(".reason.txt")).exists()
    assert sorted(path.name for path in shop.folder.iterdir()) == ["done", "failed", "orders-3.csv.part"]


def test_file_that_may_still_be_copied_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "QUIET_SECONDS", 60)
    shop.write({1: "placed"})
    with stop_on_signal() as stop:
        assert list(process_folder(shop.settings, stop)) == []
        (shop.folder / "orders.csv").unlink()
        shop.folder.rmdir()
        with pytest.raises(DiffRefused, match="there is no folder"):
            list(process_folder(shop.settings, stop))
