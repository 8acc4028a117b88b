"""How long a night takes: for one more day while the history grows, and for ten million events at once.

The night reads a table, not a topic, so the events are written to it by the stream's parser and writer without Kafka. They are
not in the ledger, and the gate reports that.
"""

from __future__ import annotations

from benchmarks.night_backfill import backfill
from benchmarks.night_growth import measure_growth
from benchmarks.outcome import Outcome
from infra.stack.stack import Stack

NEEDS = ("namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres", "mongo")


def run_growth(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night-growth")
    measure_growth(stack, outcome, scale)
    return outcome


def run_backfill(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night-backfill")
    backfill(stack, outcome, scale)
    return outcome
