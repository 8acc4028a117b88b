"""The stream's driver, an executor, a DataNode, the NameNode and the broker are killed repeatedly while messages keep coming.
Afterwards the stream takes everything that is in Kafka, and the tables on HDFS are compared with the file (stream_equality.py).

The driver is restarted as a person would do it: by the same command, after it has ended. The suite has a smaller run of this
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

from benchmarks.faults import Load, kill_and_await, read_committed
from benchmarks.history import make_history
from benchmarks.outcome import Goal, Outcome
from benchmarks.stream_equality import (
    Difference,
    Reader,
    by_deltalake,
    by_duckdb,
    by_spark,
    compare_ledger,
    compare_log,
    differences,
    read_ledger,
)
from benchmarks.stream_expected import make_expected, open_duckdb, read_log
from benchmarks.stream_process import StreamProcess
from cdp.events import EVENTS_RAW
from cdp.spark import session
from infra.stack.stack import Stack
from source_server.intake import mapping_for, store

EVENTS = 1_000_000
KILLS = 20
VICTIMS = ("driver", "executor", "datanode", "namenode", "kafka")
DATANODES = ("datanode1", "datanode2")
#: The load is slowed down to this many seconds per kill, so it lasts about as long as the kills and restarts.
SECONDS_A_KILL = 40


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What was killed, and how often the stream ended without being killed."""

    rows: int
    kills: Mapping[str, int]
    ended: int  # times that the stream ended without being killed, after a line with the reason
    seconds: float


def run(stack: Stack, scale: float) -> Outcome:
    path, outcome = stack.state / "faults.parquet", Outcome("stream-faults")
    summary = make_history(path, round(EVENTS * scale))
    report = stream_under_fire(stack, path, [(victim,) for victim in _shuffle_victims(KILLS)], print)
    outcome.measure("messages", report.rows, "", f"{summary.dirty.total():,} dirty, {summary.duplicates:,} copies")
    for victim, kills in report.kills.items():
        outcome.measure(f"kill -9 of the {victim}", kills, "times")
    outcome.measure(
        "the stream ended", report.ended, "times", "without being killed; it prints the reason and continues when started again"
    )
    outcome.measure("until all was on HDFS", report.seconds, "s")
    differing = compare_tables(stack, path)
    for difference in differing:
        print(difference)
    outcome.goals += [
        Goal(
            "rows missing, for three readers, log and ledger",
            sum(difference.missing for difference in differing),
            0,
            at_least=False,
        ),
        Goal(
            "rows too many, for three readers, log and ledger",
            sum(difference.too_many for difference in differing),
            0,
            at_least=False,
        ),
    ]
    return outcome


def _shuffle_victims(kills: int, seed: int = 7) -> list[str]:
    order = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    random.Random(seed).shuffle(order)
    return order


def stream_under_fire(
    stack: Stack,
    path: Path,
    rounds: Sequence[Sequence[str]],
    print_line: Callable[[str], None],
    topic: str = EVENTS_RAW.name,
    seed: int = 7,
) -> StreamReport:
    """Kill round by round, each time at a random moment after the stream has written a batch; then let it take all messages."""
    rng, start = random.Random(seed), time.monotonic()
    dataset = store.add(stack.settings, path, mapping_for(None))
    load = Load(stack, dataset.name, max(1, dataset.rows // (len(rounds) * SECONDS_A_KILL)), topic)
    with StreamProcess(stack, topic) as stream:
        for victims in rounds:
            stream.await_batch()
            time.sleep(rng.uniform(0.0, 2.0))
            for victim in victims:
                print_line(f"kill -9 {victim}, {time.monotonic() - start:.0f} s after the start")
                _kill(stack, stream, victim, rng)
            load.keep_running()
        load.finish()
        stream.drain()
    return StreamReport(
        dataset.rows, Counter(victim for victims in rounds for victim in victims), stream.ended, time.monotonic() - start
    )


def _kill(stack: Stack, stream: StreamProcess, victim: str, rng: random.Random) -> None:
    if victim == "driver":
        stream.kill_driver(rng)
    elif victim == "executor":
        stream.kill_executor(rng)
    else:
        kill_and_await(stack, rng.choice(DATANODES) if victim == "datanode" else victim)


def compare_tables(stack: Stack, path: Path) -> list[Difference]:
    """All differences, with three readers on the stack's own cluster."""
    spark = session(stack.settings, "bench reader", stack.settings.spark_job_cores, quiet=True)
    try:
        with _temporary_folder(stack) as folder:
            return all_differences(stack, path, by_spark(spark, stack.settings, folder), folder)
    finally:
        spark.stop()


def all_differences(
    stack: Stack, path: Path, spark_reader: Reader, folder: Path, topic: str = EVENTS_RAW.name
) -> list[Difference]:
    settings = stack.settings
    readers = {"Spark": spark_reader, "deltalake": by_deltalake(settings), "DuckDB": by_duckdb(settings, folder)}
    with open_duckdb() as connection:
        make_expected(connection, path, store.path_of(settings, path.stem), path.stem, read_log(read_committed(stack, topic)))
        return [
            *compare_log(connection),
            *differences(connection, readers),
            *compare_ledger(connection, read_ledger(settings, topic)),
        ]


@contextmanager
def _temporary_folder(stack: Stack) -> Iterator[Path]:
    """The folder of the tables' copies while they are compared."""
    folder = stack.state / "compared"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
