"""Processor time of the stream by step: `python -m benchmarks.stream_steps TOPIC` runs each step several times in one session.

Each step does what the one before it does, and more: fetch the messages from Kafka; hand them to Python workers as Arrow batches;
read them by the contract; write a whole batch, with files, commits and ledger. Batches of few messages show the fixed part.
The program prints when a run of a step begins and ends, and measure_steps reads its processor time between the two.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from benchmarks.outcome import Outcome
from benchmarks.stream_program import Line, ProgramRun, Workplace, run_program
from cdp.events.reading import MESSAGES_SCHEMA
from cdp.settings import Settings, current
from cdp.spark import map_in_arrow, session
from streaming.events.query import EVENTS_QUERY
from streaming.events.sink import write_batch
from streaming.events.worker import RESULT, BatchTask
from streaming.lock import LockedConnection
from streaming.messages import OffsetRange, Topic
from streaming.query import BatchContext
from streaming.topic import read_topic

FETCH, ARROW, READ, BATCH, FEW = "fetch", "arrow", "read", "batch", "few"
RUNS = 4
MESSAGES_OF_FEW, BATCHES_OF_FEW = 100, 10
COUNTED = "messages bigint"


def count_messages(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({"messages": [sum(batch.num_rows for batch in batches)]})


@dataclass(slots=True)
class Steps:
    """The session, and what a batch needs."""

    spark: SparkSession
    settings: Settings
    topic: Topic
    connection: LockedConnection
    stream: str = field(default_factory=lambda: str(uuid4()))
    batches: int = 0

    def run(self, step: str, ranges: Sequence[OffsetRange]) -> None:
        messages = self._select(ranges)
        if step == FETCH:
            messages.write.format("noop").mode("overwrite").save()
        elif step == ARROW:
            map_in_arrow(messages, count_messages, COUNTED).collect()
        elif step == READ:  # a task without folders reads and counts, and writes nothing
            task = BatchTask([], self.settings.currency, self.settings.stream_worker_mb * 2**20)
            map_in_arrow(messages, task, RESULT).collect()
        else:
            for _ in range(BATCHES_OF_FEW if step == FEW else 1):
                self._write_batch(ranges)

    def _select(self, ranges: Sequence[OffsetRange]) -> DataFrame:
        messages = self._read(ranges).select(*MESSAGES_SCHEMA.names)
        return messages.coalesce(self.settings.spark_stream_cores)

    def _read(self, ranges: Sequence[OffsetRange]) -> DataFrame:
        reader = self.spark.read.format("kafka").option("subscribe", self.topic.name)
        for option, offsets in (
            ("startingOffsets", {each.partition: each.start for each in ranges}),
            ("endingOffsets", {each.partition: each.end for each in ranges}),
        ):
            reader = reader.option(option, json.dumps({self.topic.name: offsets}))
        options = {"kafka.bootstrap.servers": self.settings.kafka_bootstrap, "kafka.isolation.level": "read_committed"}
        return reader.options(**options).load()

    def _write_batch(self, ranges: Sequence[OffsetRange]) -> None:
        started = time.monotonic()
        context = BatchContext(self.settings, self.connection, self.stream, self.batches, [self.topic], ranges, started)
        write_batch(self._read(ranges), context)
        self.batches += 1


def cut_ranges(topic: Topic, messages: int) -> list[OffsetRange]:
    """The first messages of each partition, so many in all; fewer if the topic has fewer."""
    share = messages // len(topic.partitions)
    ranges = topic.partitions.values()
    return [OffsetRange(each.topic, each.partition, each.start, min(each.end, each.start + share)) for each in ranges]


def main(name: str) -> None:
    settings = current()
    spark = session(settings, "bench steps", settings.spark_stream_cores, quiet=True)
    connection = LockedConnection(settings, EVENTS_QUERY.name, threading.Event())
    connection.open()
    steps = Steps(spark, settings, read_topic(settings, name), connection)
    whole, few = (cut_ranges(steps.topic, count) for count in (settings.stream_batch_messages, MESSAGES_OF_FEW))
    print(f"messages {sum(each.count for each in whole)}")
    for step in (FETCH, ARROW, READ, BATCH, FEW):
        for _ in range(RUNS):
            print(f"{step} begins")
            steps.run(step, few if step == FEW else whole)
            print(f"{step} ends")
    connection.close()
    spark.stop()


def find_spans(lines: Sequence[Line]) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Step -> begin and end of each of its runs."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    marks = [line for line in lines if line.text.endswith((" begins", " ends"))]
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        spans[begin.text.removesuffix(" begins")].append((begin.at, end.at))
    return spans


def measure_steps(outcome: Outcome, place: Workplace, topic: str) -> None:
    """What each step adds, in the cheapest of its runs after the first. The place's tables must exist."""
    run = run_program(place, "-m", "benchmarks.stream_steps", topic)
    messages = next(int(line.text.split()[1]) for line in run.lines if line.text.startswith("messages "))
    warm = {step: min(_list_seconds(run, spans)[1:]) for step, spans in find_spans(run.lines).items()}
    for what, seconds, note in (
        ("fetch from Kafka", warm[FETCH], f"warm, batches of {messages:,}"),
        ("rows to Arrow to Python", warm[ARROW] - warm[FETCH], ""),
        ("read: parse, check, id, count", warm[READ] - warm[ARROW], ""),
        ("write the files, commit, ledger", warm[BATCH] - warm[READ], ""),
    ):
        outcome.measure(f"by step: {what}", seconds * 1e6 / messages, "µs", note)
    outcome.measure(f"processor time of a batch of {MESSAGES_OF_FEW} messages", warm[FEW] / BATCHES_OF_FEW, "s")


def _list_seconds(run: ProgramRun, spans: Sequence[tuple[float, float]]) -> list[float]:
    return [sum(run.times.sum_between(begin, end).values()) for begin, end in spans]


if __name__ == "__main__":
    main(sys.argv[1])
