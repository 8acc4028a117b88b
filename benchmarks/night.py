"""What a night takes: of one day more while the history grows, and of ten million events at once.

The night reads a table and no topic, so the events get there without Kafka: through the stream's own parser and writer. No
ledger knows of them, and the gate says so.
"""

from __future__ import annotations

from benchmarks.night_backfill import backfill
from benchmarks.night_growth import one_more_day
from benchmarks.outcome import Outcome
from infra.stack.stack import Stack

NEEDS = ("namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres", "mongo")


def growth(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night-growth")
    one_more_day(stack, outcome, scale)
    return outcome


def at_once(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night-backfill")
    backfill(stack, outcome, scale)
    return outcome
