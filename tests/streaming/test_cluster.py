"""The stream as a program on the real cluster: it is killed between two writes and restarted, and the ledger adds up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from deltalake import DeltaTable

from cdp.lake.paths import EVENTS, QUARANTINE, table_url
from cdp.mart.daily import STREAM_LEDGER, create_statements
from cdp.postgres import connection_arguments
from cdp.settings import REPOSITORY, Settings, load
from infra.stack.stream_progress import stream_state
from tests.databases import database, rows

pytestmark = [pytest.mark.stack("kafka", "hdfs", "spark", "postgres"), pytest.mark.timeout(600)]

GOOD, BAD = 3_000, 7
DAY = "2021-05-02"
LEDGER = "import sys; from streaming.ledger.__main__ import main; sys.exit(main(sys.argv[2:], topic=sys.argv[1]))"
STREAM = "import sys; from streaming.__main__ import main; sys.exit(main(['--once'], topics=(sys.argv[1],)))"


@dataclass(frozen=True)
class Place:
    """The test's own folder, topic and database on the shared stack."""

    settings: Settings
    topic: str

    @property
    def environment(self) -> dict[str, str]:
        variables = {
            "CDP_HDFS_ROOT": self.settings.hdfs_root,
            "CDP_POSTGRES_DATABASE": self.settings.postgres_database,
        }
        return os.environ | variables | {"PYTHONPATH": str(REPOSITORY), "CDP_STACK": self.settings.stack}

    def start(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *argv],
            env=self.environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *argv: str) -> str:
        with self.start(*argv) as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, f"{out}\n{err}"
        return out

    def hdfs(self, method: str, path: str, operation: str) -> bool:
        """One WebHDFS call; returns whether it succeeded."""
        url = f"{self.settings.hdfs_http}/webhdfs/v1{self.settings.hdfs_root}{path}?op={operation}&user.name=cdp"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10):
                return True
        except urllib.error.HTTPError:
            return False

    def count(self, table: str) -> int:
        return int(DeltaTable(table_url(self.settings, table)).to_pyarrow_table().num_rows)


@pytest.fixture
def place() -> Iterator[Place]:
    name = f"test_{uuid.uuid4().hex[:8]}"
    with database(load({**os.environ, "CDP_HDFS_ROOT": f"/{name}"})) as settings:
        yield from make_place(name, settings)


def make_place(name: str, settings: Settings) -> Iterator[Place]:
    place = Place(settings, f"events.{name}")
    kafka = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    kafka.create_topics([NewTopic(place.topic, 2, 1)])[place.topic].result(30)
    place.hdfs("PUT", "/_spark-events", "MKDIRS")
    yield place
    kafka.delete_topics([place.topic])[place.topic].result(30)
    place.hdfs("DELETE", "", "DELETE&recursive=true")


def send(place: Place) -> None:
    """Send in transactions, as the source does: their marks and aborted messages have offsets too."""
    producer = Producer({"bootstrap.servers": place.settings.kafka_bootstrap, "linger.ms": 50, "transactional.id": place.topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(GOOD):
        user = f"u{number % 500}"
        event = {
            "event_time": f"2021-05-0{1 + number % 2} 10:00:00 UTC", "event_type": "purchase", "product_id": str(number),
            "price": "1.25", "user_id": user, "user_session": f"s{number}",
        }  # fmt: skip
        producer.produce(place.topic, json.dumps(event).encode(), user.encode())
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce(place.topic, b"aborted")
    producer.flush(30)
    producer.abort_transaction(30)
    producer.begin_transaction()
    for _ in range(BAD):
        producer.produce(place.topic, b"broken")
    producer.commit_transaction(30)


@contextmanager
def locked_ledger(settings: Settings) -> Iterator[None]:
    """Create the ledger, and let nobody write it."""
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    try:
        with connection, connection.cursor() as cursor:
            for statement in create_statements():
                cursor.execute(statement)
        connection.cursor().execute(f"LOCK TABLE {STREAM_LEDGER.full_name} IN EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


def kill_between_two_writes(place: Place) -> None:
    """Let the stream write its first events, and kill it before they are in the ledger, which a lock keeps it from writing."""
    with locked_ledger(place.settings), place.start("-c", STREAM, place.topic) as stream:
        deadline = time.monotonic() + 240
        while not place.hdfs("GET", f"/{EVENTS}/_delta_log/{1:020}.json", "GETFILESTATUS"):
            assert stream.poll() is None, stream.communicate()
            assert time.monotonic() < deadline, "the stream wrote nothing"
            time.sleep(0.02)
        stream.kill()
        stream.communicate()
    assert rows(place.settings, f"SELECT count(*) FROM {STREAM_LEDGER.full_name}") == [(0,)]


def resume_until_terminated(place: Place) -> None:
    """The stream finishes the killed one's batch and keeps running; a second one is refused, and SIGTERM is no error."""
    with place.start("-c", STREAM.replace("'--once'", ""), place.topic) as stream:
        assert stream.stdout is not None
        lines = [stream.stdout.readline() for _ in range(2)]
        assert lines[1] == "stream: batch 0: received 3,007, good 3,000, quarantined 7\n", lines
        assert stream_state(place.settings).runs
        with place.start("-c", STREAM, place.topic) as second:
            out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (1, "")
        url = f"{place.settings.hdfs_url}{place.settings.hdfs_root}/_checkpoints/events"
        assert err.startswith("stream: another stream ")
        assert f" {url}; " in err
        waiting = place.run("-c", STREAM.replace("'--once'", "'--once', '--or-wait'"), place.topic)
        assert waiting.startswith("stream: another stream is running and has read ")
        stream.terminate()
        out, err = stream.communicate(timeout=120)
    assert stream.returncode == 0, err
    assert out.startswith("stream: received 3,007, good 3,000, quarantined 7 in")
    assert not stream_state(place.settings).runs


def test_killed_stream_resumes_and_its_ledger_adds_up(place: Place) -> None:
    send(place)
    kill_between_two_writes(place)
    resume_until_terminated(place)
    assert place.count(EVENTS) == GOOD
    assert place.count(QUARANTINE) == BAD
    sums = "SELECT sum(received), sum(good), sum((reasons->>'not_json')::int), sum((late->>'31+')::int) FROM mart.stream_ledger"
    assert rows(place.settings, sums) == [(GOOD + BAD, GOOD, BAD, GOOD)]
    assert_ledger_adds_up(place)

    # Counting finds a message that is missing in the ledger, and the tables' row counts find a wrong number of good events.
    rows(place.settings, "UPDATE mart.stream_batch SET offsets = jsonb_set(offsets, '{0,count}', '1') RETURNING 1")
    rows(place.settings, "UPDATE mart.stream_ledger SET good = good - 1 RETURNING 1")
    result = run_ledger(place, "--recount")
    assert result.returncode == 1
    off = [line for line in result.stdout.splitlines() if line.startswith("OFF ")]
    assert [line.split(":")[0] for line in off[:3]] == [f"OFF  {place.topic}"] * 2 + ["OFF  events on HDFS"]
    assert "committed messages in Kafka" in off[-1]


def run_ledger(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    with place.start("-c", LEDGER, place.topic, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def assert_ledger_adds_up(place: Place) -> None:
    result = run_ledger(place, "--recount", "--acknowledged", str(GOOD + BAD))
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    assert f"ok   {place.topic}: received 3,007 = good 3,000 + quarantined 7" in result.stdout
    assert "acknowledged by the source 3,007 - received by the stream 3,007 = 0 waiting in Kafka" in result.stdout
    assert "waiting in Kafka: 0 offsets" in result.stdout
    recounts = re.findall(r"ok   partition (\d) from .*: committed messages in Kafka ([\d,]+) = received \2", result.stdout)
    assert [number for number, _ in recounts] == ["0", "1"]
    ends = "SELECT sum((p.value->>'until')::int) FROM mart.stream_batch, jsonb_each(offsets) p WHERE batch = 0"
    assert rows(place.settings, ends)[0][0] > GOOD + BAD + 1, "marks and aborted messages have offsets"


def test_a_master_that_is_away_is_one_line(place: Place) -> None:
    away = place.environment | {"CDP_SPARK_MASTER_URL": "spark://127.0.0.1:1"}
    result = subprocess.run(
        [sys.executable, "-m", "batch", "--day", DAY], env=away, cwd=Path(REPOSITORY), capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "spark://127.0.0.1:1; start it: ./run up spark\n" in result.stderr
    assert result.stderr.count("\n") == 1
