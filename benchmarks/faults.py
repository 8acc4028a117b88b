"""Shared by the fault runs: servers that are killed and come back, a load that continues, and the messages in the topic.

ingest_faults.py kills servers on the way into Kafka, stream_faults.py on the way to HDFS.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack
from infra.stack.status import statuses
from infra.stack.supervise import Supervisor

BACK_WITHIN = 60.0
TRIES = 5
#: The producer with another topic than the declared one, for runs on servers that others use too.
PRODUCER = """
import sys
from dataclasses import replace
from source_server.produce import page_writer, producer
page_writer.EVENTS_RAW = replace(page_writer.EVENTS_RAW, name=sys.argv[1])
sys.exit(producer.main(sys.argv[2:]))
"""


class Load:
    """The producer as a process that is restarted whenever it has ended."""

    def __init__(self, stack: Stack, name: str, rate: int, topic: str = EVENTS_RAW.name) -> None:
        self._stack, self._rate = stack, rate
        self._program = [sys.executable, "-c", PRODUCER, topic, name]
        self.gave_up = 0
        self._process = self._start("--rate", str(rate))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process = self._start("--rate", str(self._rate))

    def keep_running(self) -> None:
        """Restart the producer if it failed; exit status 0 means that the load is complete."""
        if self._process.poll() not in (None, 0):
            self.gave_up += 1
            self._process = self._start("--rate", str(self._rate))

    def finish(self) -> None:
        """Stop the slow producer cleanly and send the rest at full speed."""
        self._process.terminate()
        self._process.wait(60)
        for _ in range(TRIES):
            if self._start().wait(600) == 0:
                return
        raise RuntimeError(f"the load did not finish in {TRIES} tries")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._program, *arguments], env=self._stack.base_env, stdout=subprocess.DEVNULL)


def kill_service(stack: Stack, name: str) -> None:
    os.kill(Supervisor(stack).state(name).pid, signal.SIGKILL)


def kill_and_await(stack: Stack, name: str) -> None:
    """Kill a service and wait until the supervisor has brought it back, so it can be killed again."""
    before = Supervisor(stack).state(name).pid
    kill_service(stack, name)
    deadline = time.monotonic() + BACK_WITHIN
    while Supervisor(stack).state(name).pid in (before, 0) or statuses(stack, (BY_NAME[name],))[0].state != "healthy":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not come back in {BACK_WITHIN:.0f} s")
        time.sleep(0.2)


def read_committed(stack: Stack, topic: str = EVENTS_RAW.name) -> Iterator[Message]:
    """Every committed message of a topic, in order within each partition."""
    config = {"group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True}
    ended: set[int | None] = set()
    with Consumer(client_config(stack.settings) | config) as consumer:
        numbers = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        while len(ended) < len(numbers):
            for message in consumer.consume(10_000, timeout=0.5):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
