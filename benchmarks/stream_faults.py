"""The stream's driver, an executor, a DataNode, the NameNode and the broker are killed again and again while messages keep
coming; then all that is in Kafka is taken, and the tables on HDFS are held against the file (stream_equality.py).

The driver is started again as a person would: when it has ended, the same command. The suite does the same, smaller
(tests/faults/test_stream.py).
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.history import make_history
from benchmarks.outcome import Goal, Outcome
from benchmarks.stream_equality import (
    Difference,
    Reader,
    by_deltalake,
    by_duckdb,
    by_spark,
    differences,
    ledger_off,
    read_ledger,
    sent_and_logged,
)
from benchmarks.stream_expected import engine, expect, log_of
from benchmarks.stream_process import StreamProcess
from benchmarks.under_fire import Load, committed, kill_and_await
from cdp.events import EVENTS_RAW
from cdp.spark import session
from infra.stack.stack import Stack
from source_server import store
from source_server.intake import mapping_for

EVENTS = 1_000_000
KILLS = 20
VICTIMS = ("driver", "executor", "datanode", "namenode", "kafka")
DATANODES = ("datanode1", "datanode2")
#: The load is slowed down so that it lasts for about as long as the killing and the coming back.
SECONDS_A_KILL = 40


@dataclass(frozen=True, slots=True)
class UnderFire:
    """What was killed, and how it went."""

    rows: int
    kills: Mapping[str, int]
    ended: int  # the stream by itself, with a line that says why
    seconds: float


def run(stack: Stack, scale: float) -> Outcome:
    path, outcome = stack.state / "faults.parquet", Outcome("stream-faults")
    summary = make_history(path, round(EVENTS * scale))
    found = stream_under_fire(stack, path, [(victim,) for victim in _shuffled(KILLS)], print)
    outcome.measure("messages", found.rows, "", f"{summary.dirty.total():,} dirty, {summary.duplicates:,} copies")
    for victim, kills in found.kills.items():
        outcome.measure(f"kill -9 of the {victim}", kills, "times")
    outcome.measure("the stream ended by itself", found.ended, "times", "it says why, and goes on when typed again")
    outcome.measure("until all was on HDFS", found.seconds, "s")
    wrong = held_against(stack, path)
    for difference in wrong:
        print(difference)
    outcome.goals += [
        Goal("rows missing, of three readers, log and ledger", sum(one.missing for one in wrong), 0, at_least=False),
        Goal("rows too many, of three readers, log and ledger", sum(one.too_many for one in wrong), 0, at_least=False),
    ]
    return outcome


def _shuffled(kills: int, seed: int = 7) -> list[str]:
    order = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    random.Random(seed).shuffle(order)
    return order


def stream_under_fire(
    stack: Stack,
    path: Path,
    rounds: Sequence[Sequence[str]],
    say: Callable[[str], None],
    topic: str = EVENTS_RAW.name,
    seed: int = 7,
) -> UnderFire:
    """Kill round by round, each at a random moment after the stream has shown that it lives; then take all that is there."""
    rng, begun = random.Random(seed), time.monotonic()
    dataset = store.add(stack.settings, path, mapping_for(path, None))
    load = Load(stack, dataset.name, max(1, dataset.rows // (len(rounds) * SECONDS_A_KILL)), topic)
    with StreamProcess(stack, topic) as stream:
        for victims in rounds:
            stream.await_batch()
            time.sleep(rng.uniform(0.0, 2.0))
            for victim in victims:
                say(f"kill -9 {victim}, {time.monotonic() - begun:.0f} s after the beginning")
                _kill(stack, stream, victim, rng)
            load.keep_running()
        load.finish()
        stream.drain()
    return UnderFire(
        dataset.rows, Counter(victim for victims in rounds for victim in victims), stream.ended, time.monotonic() - begun
    )


def _kill(stack: Stack, stream: StreamProcess, victim: str, rng: random.Random) -> None:
    if victim == "driver":
        stream.kill_driver(rng)
    elif victim == "executor":
        stream.kill_executor(rng)
    else:
        kill_and_await(stack, rng.choice(DATANODES) if victim == "datanode" else victim)


def held_against(stack: Stack, path: Path) -> list[Difference]:
    """All that differs, read by three readers on the stack's own cluster."""
    spark = session(stack.settings, "bench reader", stack.settings.spark_job_cores, quiet=True)
    try:
        with _folder(stack) as folder:
            return all_differences(stack, path, by_spark(spark, stack.settings, folder), folder)
    finally:
        spark.stop()


def all_differences(
    stack: Stack, path: Path, spark_reader: Reader, folder: Path, topic: str = EVENTS_RAW.name
) -> list[Difference]:
    settings = stack.settings
    readers = {"Spark": spark_reader, "deltalake": by_deltalake(settings), "DuckDB": by_duckdb(settings, folder)}
    with engine() as connection:
        expect(connection, path, store.path_of(settings, path.stem), path.stem, log_of(committed(stack, topic)))
        return [
            *sent_and_logged(connection),
            *differences(connection, readers),
            *ledger_off(connection, read_ledger(settings, topic)),
        ]


@contextmanager
def _folder(stack: Stack) -> Iterator[Path]:
    """Where copies of the tables lie while they are compared."""
    folder = stack.state / "compared"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
