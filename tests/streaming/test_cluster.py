"""The stream as a program on the real cluster: killed between two writes, begun again, and the ledger adds up."""

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
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from deltalake import DeltaTable

from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import REPOSITORY, Settings, load
from infra.stack.stream_progress import stream_state
from tests.databases import database, rows

pytestmark = [pytest.mark.stack("kafka", "hdfs", "spark", "postgres"), pytest.mark.timeout(600)]

GOOD, BAD = 3_000, 7
DAY = "2021-05-02"
LEDGER = "import sys; from streaming.ledger.__main__ import main; sys.exit(main(sys.argv[2:], topic=sys.argv[1]))"
STREAM = "import sys; from streaming.__main__ import main; sys.exit(main(['--once'], topic=sys.argv[1]))"


@dataclass(frozen=True)
class Place:
    """A folder, a topic and databases of the test's own on the stack that others use too."""

    settings: Settings
    topic: str

    @property
    def environment(self) -> dict[str, str]:
        given = {
            "CDP_HDFS_ROOT": self.settings.hdfs_root,
            "CDP_POSTGRES_DATABASE": self.settings.postgres_database,
        }
        return os.environ | given | {"PYTHONPATH": str(REPOSITORY), "CDP_STACK": self.settings.stack}

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
        """One WebHDFS call; whether the answer was yes."""
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
        yield from placed(name, settings)


def placed(name: str, settings: Settings) -> Iterator[Place]:
    made = Place(settings, f"events.{name}")
    kafka = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    kafka.create_topics([NewTopic(made.topic, 2, 1)])[made.topic].result(30)
    made.hdfs("PUT", "/_spark-events", "MKDIRS")
    yield made
    kafka.delete_topics([made.topic])[made.topic].result(30)
    made.hdfs("DELETE", "", "DELETE&recursive=true")


def send(place: Place) -> None:
    """In transactions, as the source does: their marks have offsets too, and so has what was taken back."""
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
    producer.produce(place.topic, b"taken back")
    producer.flush(30)
    producer.abort_transaction(30)
    producer.begin_transaction()
    for _ in range(BAD):
        producer.produce(place.topic, b"broken")
    producer.commit_transaction(30)


def killed_between_two_writes(place: Place) -> None:
    """Let the stream write its first events, and kill it before the ledger knows of them."""
    with place.start("-c", STREAM, place.topic) as stream:
        deadline = time.monotonic() + 240
        while not place.hdfs("GET", f"/{EVENTS}/_delta_log/{1:020}.json", "GETFILESTATUS"):
            assert stream.poll() is None, stream.communicate()
            assert time.monotonic() < deadline, "the stream wrote nothing"
            time.sleep(0.02)
        stream.kill()
        stream.communicate()


def goes_on_until_it_is_asked_to_end(place: Place) -> None:
    """It finishes what the killed one began and stays; a second one is refused meanwhile, and SIGTERM is no error."""
    with place.start("-c", STREAM.replace("'--once'", ""), place.topic) as stream:
        assert stream.stdout is not None
        said = [stream.stdout.readline() for _ in range(2)]
        assert said[1] == "stream: batch 0: received 3,007, good 3,000, quarantined 7\n", said
        assert stream_state(place.settings).runs
        with place.start("-c", STREAM, place.topic) as second:
            out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (1, "")
        url = f"{place.settings.hdfs_url}{place.settings.hdfs_root}/_checkpoints/events"
        assert err == f"stream: another stream runs on the checkpoint {url}; end that one first.\n"
        waiting = place.run("-c", STREAM.replace("'--once'", "'--once', '--or-wait'"), place.topic)
        assert waiting == "stream: another stream runs, and has taken what was there\n"
        stream.terminate()
        out, err = stream.communicate(timeout=120)
    assert stream.returncode == 0, err
    assert out.startswith("stream: received 3,007, good 3,000, quarantined 7 in")
    assert not stream_state(place.settings).runs


def test_killed_stream_goes_on_and_its_ledger_adds_up(place: Place) -> None:
    send(place)
    killed_between_two_writes(place)
    goes_on_until_it_is_asked_to_end(place)
    assert place.count(EVENTS) == GOOD
    assert place.count(QUARANTINE) == BAD
    sums = "SELECT sum(received), sum(good), sum((reasons->>'not_json')::int), sum((late->>'31+')::int) FROM mart.stream_ledger"
    assert rows(place.settings, sums) == [(GOOD + BAD, GOOD, BAD, GOOD)]
    assert_ledger_adds_up(place)

    # A message that the ledger does not know of is found by counting, and rows that are no longer there by the tables.
    rows(place.settings, "UPDATE mart.stream_batch SET offsets = jsonb_set(offsets, '{0,count}', '1') RETURNING 1")
    rows(place.settings, "UPDATE mart.stream_ledger SET good = good - 1 RETURNING 1")
    done = ledger(place, "--recount")
    assert done.returncode == 1
    off = [line for line in done.stdout.splitlines() if line.startswith("OFF ")]
    assert [line.split(":")[0] for line in off[:3]] == [f"OFF  {place.topic}"] * 2 + ["OFF  events on HDFS"]
    assert "committed messages in Kafka" in off[-1]


def ledger(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    with place.start("-c", LEDGER, place.topic, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def assert_ledger_adds_up(place: Place) -> None:
    done = ledger(place, "--recount", "--acknowledged", str(GOOD + BAD))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"ok   {place.topic}: received 3,007 = good 3,000 + quarantined 7" in done.stdout
    assert "acknowledged by the source 3,007 - received by the stream 3,007 = 0 waiting in Kafka" in done.stdout
    assert "waiting in Kafka: 0 offsets" in done.stdout
    counted = re.findall(r"ok   partition (\d) from .*: committed messages in Kafka ([\d,]+) = received \2", done.stdout)
    assert [number for number, _ in counted] == ["0", "1"]
    taken = "SELECT sum((p.value->>'until')::int) FROM mart.stream_batch, jsonb_each(offsets) p WHERE batch = 0"
    assert rows(place.settings, taken)[0][0] > GOOD + BAD + 1, "marks and what was taken back have offsets"


def test_master_that_is_away_is_said_in_one_line(place: Place) -> None:
    away = place.environment | {"CDP_SPARK_MASTER_URL": "spark://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-m", "batch", "--day", DAY], env=away, cwd=Path(REPOSITORY), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "night: No Spark master answers at spark://127.0.0.1:1; start it: ./run up spark\n"
