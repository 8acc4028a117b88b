"""The producer, the source and the broker are killed again and again while a load runs; then what lies in Kafka is held
against the file, line by line. The suite does the same, smaller (tests/faults/test_ingest.py).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.history import lines_of_store, make_history
from benchmarks.outcome import Goal, Outcome
from benchmarks.under_fire import Load, committed, kill_and_await
from infra.stack.stack import Stack
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
    load, found = Load(stack, dataset.name, rate), Found(dataset.rows, 0, 0)
    for victim in order:
        time.sleep(rng.uniform(0.3, 2.0))
        say(f"kill -9 {victim}")
        load.kill() if victim == PRODUCER else kill_and_await(stack, victim)
        load.keep_running()
    load.finish()
    expected = lines_of_store(stack.settings, dataset)
    there = _lines_of_kafka(stack, expected.keys())
    found.missing, found.doubled = (expected - there).total(), (there - expected).total()
    found.kills, found.restarts, found.seconds = dict(Counter(order)), load.gave_up, time.monotonic() - begun
    return found


def _lines_of_kafka(stack: Stack, mine: Set[bytes]) -> Counter[bytes]:
    """How often each of these lines is in the log; other data sets' are passed over."""
    lines = (message.value() or b"" for message in committed(stack))
    return Counter(line for line in lines if line in mine)
