"""The producer, the source and the broker are killed again and again while a load runs; then what lies in Kafka is held
against the file, line by line. The suite does the same, smaller (tests/faults/test_ingest.py).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, TopicPartition

from benchmarks.history import lines_of_store, make_history
from benchmarks.outcome import Goal, Outcome
from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack
from infra.stack.status import statuses
from infra.stack.supervise import Supervisor
from source_server import store
from source_server.intake import mapping_for

EVENTS = 500_000
KILLS = 10
#: The load is slowed down so that it lasts for about as long as the killing and the coming back.
SECONDS_A_KILL = 10
PRODUCER = "producer"
VICTIMS = (PRODUCER, "source", "kafka")


@dataclass(slots=True)
class Found:
    """What the log holds of a data set."""

    rows: int
    missing: int
    doubled: int
    kills: dict[str, int] = field(default_factory=dict)
    restarts: int = 0  # of the producer, beyond those that were killed
    seconds: float = 0.0


def run(stack: Stack, scale: float) -> Outcome:
    path = stack.state / "faults.parquet"
    events = round(EVENTS * scale)
    make_history(path, events)
    found = load_under_fire(stack, path, KILLS, print)
    outcome = Outcome("ingest-faults")
    outcome.measure("rows of the file", found.rows, "")
    for victim, kills in found.kills.items():
        outcome.measure(f"kill -9 of the {victim}", kills, "times")
    outcome.measure("the producer gave up by itself", found.restarts, "times", "it says why, and goes on when typed again")
    outcome.measure("until all was in Kafka", found.seconds, "s")
    outcome.goals += [
        Goal("rows missing in Kafka", found.missing, 0, at_least=False),
        Goal("rows there more often than in the file", found.doubled, 0, at_least=False),
    ]
    return outcome


def load_under_fire(stack: Stack, path: Path, kills: int, say: Callable[[str], None], seed: int = 7) -> Found:
    """Kill each victim so many times, in random order at random moments, let the load finish, and count."""
    settings, rng, begun = stack.settings, random.Random(seed), time.monotonic()
    dataset = store.add(settings, path, mapping_for(path, None))
    rate = max(1, dataset.rows // (kills * len(VICTIMS) * SECONDS_A_KILL))
    order = [victim for victim in VICTIMS for _ in range(kills)]
    rng.shuffle(order)
    load, found = _Load(stack, dataset.name, rate), Found(dataset.rows, 0, 0)
    for victim in order:
        time.sleep(rng.uniform(0.3, 2.0))
        say(f"kill -9 {victim}")
        load.kill() if victim == PRODUCER else _kill(stack, victim)
        load.keep_running()
    load.finish()
    expected = lines_of_store(stack.settings, dataset)
    there = _lines_of_kafka(stack, expected.keys())
    found.missing, found.doubled = (expected - there).total(), (there - expected).total()
    found.kills, found.restarts, found.seconds = dict(Counter(order)), load.gave_up, time.monotonic() - begun
    return found


class _Load:
    """The producer as a process, started again whenever it is gone."""

    def __init__(self, stack: Stack, name: str, rate: int) -> None:
        self._stack, self._name, self._rate = stack, name, rate
        self.gave_up = 0
        self._process = self._start("--rate", str(rate))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process = self._start("--rate", str(self._rate))

    def keep_running(self) -> None:
        if self._process.poll() is not None:
            self.gave_up += 1
            self._process = self._start("--rate", str(self._rate))

    def finish(self) -> None:
        """Stop the slow one in order, and carry the rest as fast as it goes."""
        self._process.terminate()
        self._process.wait(60)
        for _ in range(5):
            if self._start().wait(600) == 0:
                return
        raise RuntimeError("the load did not finish in five tries")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "source_server.producer", self._name, *arguments]
        return subprocess.Popen(argv, env=self._stack.base_env, stdout=subprocess.DEVNULL)


def _kill(stack: Stack, name: str) -> None:
    """Kill a service, and wait until the supervisor has brought it back: what is there can be killed again."""
    before = Supervisor(stack).state(name).pid
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while Supervisor(stack).state(name).pid in (before, 0) or statuses(stack, (BY_NAME[name],))[0].state != "healthy":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not come back in 60 s")
        time.sleep(0.2)


def _lines_of_kafka(stack: Stack, mine: Set[bytes]) -> Counter[bytes]:
    """What a reader of committed records finds of these lines; other data sets' are passed over."""
    own = {"group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True}
    found: Counter[bytes] = Counter()
    ended: set[int | None] = set()
    with Consumer(client_config(stack.settings) | own) as consumer:
        consumer.assign([TopicPartition(EVENTS_RAW.name, number, 0) for number in range(stack.settings.kafka_partitions)])
        while len(ended) < stack.settings.kafka_partitions:
            for message in consumer.consume(10_000, timeout=0.5):
                error = message.error()
                if error is None:
                    line = message.value() or b""
                    found[line] += line in mine
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
    return found
