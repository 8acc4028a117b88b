"""The stream of exposures on real servers: killed between its two stores, and a topic that is made again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from deltalake import DeltaTable

from cdp.kafka import client_config
from cdp.lake.paths import EXPOSURES, table_url
from cdp.recommend.exposures import CLICK, SEEN, SERVED, Exposure
from cdp.settings import Settings, env_name, load
from streaming.exposures.__main__ import run
from streaming.exposures.rows import SCHEMA
from tests import databases

pytestmark = [pytest.mark.stack("kafka", "postgres"), pytest.mark.timeout(180)]
START = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
#: Runs the program, and kills it when a store has written.
KILLED = """
import os, signal, sys
from streaming.exposures import __main__ as program
from streaming.exposures.lake import LakeSink
from streaming.exposures.postgres import PostgresSink

sink = {"lake": LakeSink, "postgres": PostgresSink}[sys.argv[2]]
write = sink.write

def write_and_die(self, messages):
    write(self, messages)
    os.kill(os.getpid(), signal.SIGKILL)

sink.write = write_and_die
program.main(["--once"], sys.argv[1])
"""


@dataclass
class Place:
    """A topic, a database and a folder of their own."""

    settings: Settings
    topic: str
    admin: AdminClient

    def make_topic(self) -> None:
        self.admin.create_topics([NewTopic(self.topic, 2, 1)])[self.topic].result(30)

    def delete_topic(self) -> None:
        self.admin.delete_topics([self.topic])[self.topic].result(30)

    def send(self, payloads: Sequence[bytes]) -> None:
        producer = Producer(client_config(self.settings))
        for number, payload in enumerate(payloads):
            producer.produce(self.topic, payload, str(number % 7))
        assert producer.flush(30) == 0

    def run_killed(self, sink: str) -> None:
        changes = {name: str(getattr(self.settings, name)) for name in ("postgres_database", "hdfs_url", "var_dir")}
        environment = os.environ | {env_name(name): value for name, value in changes.items()}
        ended = subprocess.run([sys.executable, "-c", KILLED, self.topic, sink], env=environment, timeout=60)
        assert ended.returncode == -signal.SIGKILL

    def run(self) -> int:
        return run(self.settings, self.topic, True, threading.Event())

    def count(self, table: str) -> int:
        ((count,),) = databases.rows(self.settings, f"SELECT count(*) FROM recommend.{table}")
        return int(count)

    def read_lake(self) -> list[tuple[object, ...]]:
        rows = DeltaTable(table_url(self.settings, EXPOSURES)).to_pyarrow_table(columns=SCHEMA.names).to_pylist()
        return sorted((row["kind"], row["exposure_id"], row["at"], row["product_id"], tuple(row["products"])) for row in rows)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with databases.database(load()) as settings:
        topic = f"test_{uuid.uuid4().hex[:8]}"
        place = Place(replace(settings, hdfs_url=f"file:{tmp_path}"), topic, AdminClient(client_config(settings)))
        place.make_topic()
        yield place
        place.delete_topic()


def make_exposures(rng: random.Random, count: int) -> list[Exposure]:
    """Lists that are served, sometimes seen, also twice, and sometimes clicked; over midnight."""
    made = []
    for number in range(count):
        at, name = START + timedelta(seconds=number), f"{rng.getrandbits(60):x}"
        products = tuple(str(rng.randrange(100)) for _ in range(3))
        made.append(Exposure(SERVED, name, at, "", f"c{number % 9}", "home", "for-you", "", "", "p1", "stored", products))
        made += [Exposure(SEEN, name, at + timedelta(seconds=2 + again)) for again in range(rng.randrange(3))]
        if rng.random() < 0.3:
            made.append(Exposure(CLICK, name, at + timedelta(seconds=5), products[0]))
    rng.shuffle(made)
    return made


def find_lake_rows(exposures: Sequence[Exposure]) -> list[tuple[object, ...]]:
    return sorted((each.kind, each.exposure_id, each.at, each.product_id, each.products) for each in exposures)


def test_each_message_comes_once_into_both_stores(place: Place) -> None:
    rng = random.Random(3)
    sent: list[Exposure] = []
    for sink in ("postgres", "lake"):
        more = make_exposures(rng, 200)
        place.send([*(each.to_json() for each in more), b"no JSON"])
        sent += more
        place.run_killed(sink)
    assert place.run() == 0, "both stores have all, so nothing is read again"

    assert place.read_lake() == find_lake_rows(sent)
    assert place.count("exposure") == sum(each.kind == SERVED for each in sent)
    seen = {each.exposure_id: each.at for each in sorted(sent, key=lambda each: each.at, reverse=True) if each.kind == SEEN}
    assert dict(databases.rows(place.settings, "SELECT exposure_id, seen_at FROM recommend.seen")) == seen
    assert place.count("click") == sum(each.kind == CLICK for each in sent)
    ((received, refused, refusal),) = databases.rows(
        place.settings, "SELECT received, refused, last_refusal FROM recommend.progress"
    )
    assert (received, refused) == (len(sent) + 2, 2)
    assert "JSON" in refusal

    place.delete_topic()
    place.make_topic()
    more = make_exposures(rng, 20)
    place.send([each.to_json() for each in more])
    assert place.run() == len(more)
    assert place.read_lake() == find_lake_rows([*sent, *more])
    days = {date.fromisoformat(part["day"]) for part in DeltaTable(table_url(place.settings, EXPOSURES)).partitions()}
    assert days == {date(2026, 1, 31), date(2026, 2, 1)}
