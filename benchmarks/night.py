"""What a night takes: of one day more while the history grows, and of ten million events at once.

The night reads a table and no topic, so the events get there without Kafka: through the stream's own parser and writer. No
ledger knows of them, and the gate says so.
"""

from __future__ import annotations

from benchmarks.night_backfill import backfill
from benchmarks.night_growth import one_more_day
from benchmarks.outcome import Outcome
from benchmarks.servers import anew
from infra.stack.stack import Stack

NEEDS = ("namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres", "mongo")


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("night")
    one_more_day(stack, outcome, scale)
    backfill(anew(NEEDS), outcome, scale)
    return outcome
