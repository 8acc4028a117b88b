"""The producer with a real broker and a real source: every row arrives once, however the producer is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.history import lines_of_store
from cdp.events import TOPICS
from cdp.settings import REPOSITORY, Settings, current
from infra.stack.services import kafka
from infra.stack.stack import Stack
from source_server import ledger
from source_server.intake import store
from source_server.load import load
from source_server.produce import page_writer, producer
from source_server.produce.kafka import KafkaUnavailable, Patience
from source_server.produce.pace import AtRate
from source_server.produce.page_writer import PageWriter
from source_server.produce.positions import DatasetPosition, read_position
from source_server.produce.producer import OtherProducer, ProducerReport, main, produce
from tests.source_server.conftest import add_file
from tests.source_server.kafka_log import TOPIC, events_file, lines_of_kafka, messages

pytestmark = pytest.mark.stack("kafka", "source")
ROWS = 2500
PAGE = 500


@pytest.fixture
def settings() -> Settings:
    return current()


@pytest.fixture
def dataset(settings: Settings, tmp_path: Path) -> Iterator[store.Dataset]:
    """A data set that no other test uses."""
    dataset = add_file(settings, events_file(tmp_path / f"t{uuid.uuid4().hex[:12]}.ndjson", ROWS))
    yield dataset
    store.path_of(settings, dataset.name).unlink()


@pytest.fixture(autouse=True)
def own_topic(settings: Settings, servers: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, to a topic that no other test reads."""
    monkeypatch.setattr(kafka, "TOPICS", (*TOPICS, TOPIC))
    kafka.ensure_topics(settings)
    monkeypatch.setattr(page_writer, "EVENTS_RAW", TOPIC)
    monkeypatch.setattr(producer, "PAGE_ROWS", PAGE)


def patience(settings: Settings, seconds: float = 60) -> Patience:
    return Patience(settings, seconds, threading.Event())


def program(dataset: store.Dataset, before: str = "", *arguments: str) -> subprocess.Popen[str]:
    """The command in its own process, with small pages, after running the code in `before`."""
    text = f"""
import os, signal, sys
from source_server.produce import page_writer, producer
from tests.source_server.kafka_log import TOPIC
page_writer.EVENTS_RAW = TOPIC
producer.PAGE_ROWS = {PAGE}
{before}
sys.exit(producer.main(sys.argv[1:]))
"""
    argv = [sys.executable, "-c", text, dataset.name, *arguments]
    return subprocess.Popen(
        argv, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE, text=True
    )


def test_every_row_arrives_once_in_the_partition_of_its_customer(settings: Settings, dataset: store.Dataset) -> None:
    reports: list[tuple[int, int]] = []
    report = produce(settings, dataset.name, progress=lambda *values: reports.append(values))
    assert (report.sent, report.acknowledged, report.refused, report.pages) == (ROWS, ROWS, 0, ROWS // PAGE)
    assert report.finished
    assert reports == [(position, ROWS) for position in range(0, ROWS + 1, PAGE)]
    records = messages(settings, of=dataset.name)
    assert lines_of_kafka(settings, of=dataset.name) == lines_of_store(settings, dataset)
    partitions: dict[bytes | None, list[int | None]] = {}
    for message in records:
        partitions.setdefault(message.key(), []).append(message.partition())
    assert len(partitions.pop(None)) == ROWS // 50, "rows without a customer and the broken line have no key"
    assert {len(set(places)) for places in partitions.values()} == {1}
    assert set(partitions) == {f"u{number}".encode() for number in range(97)}


def test_a_second_run_sends_nothing(settings: Settings, dataset: store.Dataset) -> None:
    produce(settings, dataset.name)
    again = produce(settings, dataset.name)
    assert (again.sent, again.position, again.finished) == (0, ROWS, True)


def test_one_customer_stays_in_order(settings: Settings, dataset: store.Dataset) -> None:
    produce(settings, dataset.name)
    mine = [line for line in lines_of_store(settings, dataset) if b'"user_id":"u7"' in line]
    got = sorted((m for m in messages(settings, of=dataset.name) if m.key() == b"u7"), key=lambda message: message.offset() or 0)
    assert list(dict.fromkeys(message.value() for message in got)) == mine


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


@pytest.mark.parametrize(("dying", "pages"), [(KILL_BEFORE_COMMIT, 2), (KILL_AFTER_COMMIT, 3)])
def test_killed_at_the_worst_moment_it_continues_exactly(
    dying: str, pages: int, settings: Settings, dataset: store.Dataset
) -> None:
    """The process dies just before or just after the commit of a page whose last message was delivered."""
    assert program(dataset, dying).wait(60) == -signal.SIGKILL
    assert lines_of_kafka(settings, of=dataset.name, committed=False).total() == 3 * PAGE
    report = produce(settings, dataset.name)
    assert report.sent == ROWS - pages * PAGE
    expected = lines_of_store(settings, dataset)
    assert lines_of_kafka(settings, of=dataset.name) == expected
    assert lines_of_kafka(settings, of=dataset.name, committed=False) >= expected


def test_killed_again_and_again_nothing_is_lost_or_doubled(settings: Settings, dataset: store.Dataset) -> None:
    for seconds in (0.8, 1.1, 1.4):
        process = program(dataset, "", "--rate", "700")
        time.sleep(seconds)
        process.kill()
        process.wait(10)
    assert produce(settings, dataset.name).finished
    assert lines_of_kafka(settings, of=dataset.name) == lines_of_store(settings, dataset)


def test_a_stop_ends_after_the_page(settings: Settings, dataset: store.Dataset) -> None:
    process = program(dataset, "", "--rate", str(PAGE))
    _wait_until(lambda: read_position(settings, dataset.content_id, patience(settings)) is not None)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "; run the same command again to continue" in out
    position = read_position(settings, dataset.content_id, patience(settings))
    assert position is not None
    assert f"stopped at row {position.rows:,} of {ROWS:,}" in out
    assert lines_of_kafka(settings, of=dataset.name).total() == position.rows < ROWS


def test_a_rate_is_kept(settings: Settings, dataset: store.Dataset) -> None:
    started = time.monotonic()
    report = produce(settings, dataset.name, pace=AtRate(PAGE, 1000))
    assert report.finished
    assert time.monotonic() - started >= ROWS / 1000


def test_an_older_writer_is_fenced_off_and_says_so(settings: Settings, dataset: store.Dataset) -> None:
    """A newer writer writes between two pages of the older one."""

    def in_between(position: int, _: int) -> None:
        if position == PAGE and not reports:
            reports.append(produce(settings, dataset.name))

    reports: list[ProducerReport] = []
    with pytest.raises(OtherProducer, match=f"another producer is sending '{dataset.name}'; "):
        produce(settings, dataset.name, progress=in_between)
    assert reports[0].sent == ROWS - PAGE
    assert lines_of_kafka(settings, of=dataset.name) == lines_of_store(settings, dataset)


def test_a_page_that_is_lost_is_sent_again(settings: Settings, dataset: store.Dataset) -> None:
    """A newer writer that has not written anything is no reason to end: the older one opens a new writer."""

    def fence_off(position: int, _: int) -> None:
        if position == PAGE and not others:
            others.append(PageWriter(settings, dataset.content_id, patience(settings)))

    others: list[PageWriter] = []
    report = produce(settings, dataset.name, progress=fence_off)
    assert others
    assert report.finished
    assert lines_of_kafka(settings, of=dataset.name) == lines_of_store(settings, dataset)


def test_a_position_behind_anothers_open_page_is_found(settings: Settings, dataset: store.Dataset) -> None:
    """Readers of committed records see nothing after an open transaction; the position must still be read."""
    writer = PageWriter(settings, dataset.content_id, patience(settings))
    other = PageWriter(settings, f"other-{dataset.content_id}", patience(settings))
    other._producer.begin_transaction()
    other._producer.produce("source.positions", b"{}", f"other-{dataset.content_id}", 0)
    other._producer.flush(10)
    writer.write([], DatasetPosition(dataset.name, "c", 7))
    closing = threading.Timer(2, other._producer.abort_transaction)
    closing.start()
    started = time.monotonic()
    assert read_position(settings, dataset.content_id, patience(settings)) == DatasetPosition(dataset.name, "c", 7)
    assert time.monotonic() - started > 1
    closing.join()


def test_messages_too_large_for_kafka_are_counted(settings: Settings, dataset: store.Dataset) -> None:
    writer = PageWriter(settings, dataset.content_id, patience(settings))
    written = writer.write([b"x" * 2_000_000, dataset.name.encode()], DatasetPosition(dataset.name, "c", 2))
    assert (written.acknowledged, written.refused) == (1, 1)
    assert (
        written.position
        == read_position(settings, dataset.content_id, patience(settings))
        == DatasetPosition(dataset.name, "c", 2, 1)
    )
    assert lines_of_kafka(settings, of=dataset.name).total() == 1


def test_a_page_that_is_never_accepted_ends_with_the_reason(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic does not exist. The position does not change."""
    monkeypatch.setattr(page_writer, "EVENTS_RAW", replace(TOPIC, name="test.nowhere"))
    monkeypatch.setattr(producer, "MOST_LOSSES", 2)
    monkeypatch.setattr(page_writer, "TRANSACTION_MS", 2000)
    with pytest.raises(KafkaUnavailable, match=r"did not accept the page after row 0 in 2 tries: test\.nowhere: "):
        produce(settings, dataset.name)
    assert read_position(settings, dataset.content_id, patience(settings)) is None


def test_load_adds_and_sends(settings: Settings, tmp_path: Path) -> None:
    path = events_file(tmp_path / f"t{uuid.uuid4().hex[:12]}.ndjson", ROWS)
    result = load(settings, [path])
    assert result.finished
    assert f"\n{path.stem}: 2,500 events sent in " in str(result)
    (line,) = [line for line in ledger.read_lines(settings) if line.name == path.stem]
    assert (line.read, line.served, line.acknowledged, line.left, line.balanced) == (ROWS, ROWS, ROWS, 0, True)
    assert line.refused == {"not_json": 1, "missing": ROWS // 50 - 1}, "a copy replaced one of these rows"
    assert lines_of_kafka(settings, of=path.stem) == lines_of_store(settings, store.get_dataset(settings, path.stem))
    assert load(settings, [path]).sent[0].report.sent == 0
    store.path_of(settings, path.stem).unlink()


def test_an_unknown_data_set_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nothing-of-this-name"])
    assert ended.value.code == 1
    assert "producer: the source answers 404: there is no data set 'nothing-of-this-name'" in capsys.readouterr().err


def _wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the condition was not reached"
        time.sleep(0.1)
