"""The producer, the source and the broker are killed repeatedly while a load runs. Afterwards the messages in Kafka are compared
with the file, line by line. The suite has a smaller run of this (tests/faults/test_ingest.py).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults import Load, kill_and_await, read_committed
from benchmarks.history import lines_of_store, make_history
from benchmarks.outcome import Goal, Outcome
from infra.stack.stack import Stack
from source_server.intake import mapping_for, store

EVENTS = 500_000
KILLS = 10
#: The load is slowed down to this many seconds per kill, so it lasts about as long as the kills and restarts.
SECONDS_A_KILL = 10
PRODUCER = "producer"
VICTIMS = (PRODUCER, "source", "kafka")


@dataclass(slots=True)
class LoadReport:
    """How the messages in Kafka differ from the rows of a data set, and what was killed."""

    rows: int
    missing: int
    doubled: int
    kills: dict[str, int] = field(default_factory=dict)
    restarts: int = 0  # of the producer, after it gave up without being killed
    seconds: float = 0.0


def run(stack: Stack, scale: float) -> Outcome:
    path = stack.state / "faults.parquet"
    events = round(EVENTS * scale)
    make_history(path, events)
    report = load_under_fire(stack, path, KILLS, print)
    outcome = Outcome("ingest-faults")
    outcome.measure("rows of the file", report.rows, "")
    for victim, kills in report.kills.items():
        outcome.measure(f"kill -9 of the {victim}", kills, "times")
    outcome.measure(
        "the producer gave up",
        report.restarts,
        "times",
        "without being killed; it prints the reason and continues when started again",
    )
    outcome.measure("until all was in Kafka", report.seconds, "s")
    outcome.goals += [
        Goal("rows missing in Kafka", report.missing, 0, at_least=False),
        Goal("rows that are in Kafka more often than in the file", report.doubled, 0, at_least=False),
    ]
    return outcome


def load_under_fire(stack: Stack, path: Path, kills: int, print_line: Callable[[str], None], seed: int = 7) -> LoadReport:
    """Kill each victim this many times, in random order at random moments, let the load finish, and compare."""
    settings, rng, start = stack.settings, random.Random(seed), time.monotonic()
    dataset = store.add(settings, path, mapping_for(None))
    rate = max(1, dataset.rows // (kills * len(VICTIMS) * SECONDS_A_KILL))
    order = [victim for victim in VICTIMS for _ in range(kills)]
    rng.shuffle(order)
    load, report = Load(stack, dataset.name, rate), LoadReport(dataset.rows, 0, 0)
    for victim in order:
        time.sleep(rng.uniform(0.3, 2.0))
        print_line(f"kill -9 {victim}")
        load.kill() if victim == PRODUCER else kill_and_await(stack, victim)
        load.keep_running()
    load.finish()
    expected = lines_of_store(stack.settings, dataset)
    actual = _count_lines_in_kafka(stack, expected.keys())
    report.missing, report.doubled = (expected - actual).total(), (actual - expected).total()
    report.kills, report.restarts, report.seconds = dict(Counter(order)), load.gave_up, time.monotonic() - start
    return report


def _count_lines_in_kafka(stack: Stack, expected: Set[bytes]) -> Counter[bytes]:
    """How often each expected line is in the topic; lines of other data sets are ignored."""
    lines = (message.value() or b"" for message in read_committed(stack))
    return Counter(line for line in lines if line in expected)
