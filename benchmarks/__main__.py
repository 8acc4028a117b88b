"""Runs a benchmark on a stack of its own: ./run bench NAME [--scale S] [--json]. Status 1 where a goal is missed. Without a name
it lists them: some take an hour."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import day_tables, ingest, ingest_faults, night, night_agreement, stream, stream_day, stream_faults
from benchmarks.outcome import Outcome
from benchmarks.servers import anew, gone
from infra.stack.stack import Stack, StackError, open_stack


@dataclass(frozen=True, slots=True)
class Bench:
    name: str
    about: str
    needs: tuple[str, ...]
    run: Callable[[Stack, float], Outcome]


STREAM_NEEDS = (
    "kafka", "source", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres",
)  # fmt: skip
NIGHT_NEEDS = (*STREAM_NEEDS, "mongo")
BENCHES = (
    Bench("ingest", "source to Kafka: the old way, ours, and Kafka's own ProducerPerformance", ("kafka", "source"), ingest.run),
    Bench("stream", "Kafka to HDFS: ours, bare Spark, and a consumer by hand", STREAM_NEEDS, stream.run),
    Bench("day-tables", "Postgres: rows of every day in one table or in partitions", day_tables.NEEDS, day_tables.run),
    Bench("night-growth", "the night of one day more, while the history grows", night.NEEDS, night.growth),
    Bench("night-backfill", "ten million events at once: time, memory, what the stores take", night.NEEDS, night.at_once),
    Bench("night-agreement", "every metric, read a second time from the file", NIGHT_NEEDS, night_agreement.run),
    Bench("ingest-faults", "producer, source and broker killed during a load", ("kafka", "source"), ingest_faults.run),
    Bench("stream-faults", "driver, executor, HDFS and broker killed during the stream", STREAM_NEEDS, stream_faults.run),
    Bench("stream-day", "files on HDFS after a day of small batches, before and after compaction", STREAM_NEEDS, stream_day.run),
)


def main(argv: list[str] | None = None) -> int:
    asked = _parser().parse_args(argv)
    if asked.name is None:
        print("\n".join(f"  {bench.name:<16} {bench.about}" for bench in BENCHES))
        return 0
    outcome = next(_run(bench, asked.scale) for bench in BENCHES if bench.name == asked.name)
    print(json.dumps(outcome.as_json(), indent=1)) if asked.json else outcome.show()
    return 0 if outcome.met else 1


def _run(bench: Bench, scale: float) -> Outcome:
    """On servers that hold nothing yet, and are gone afterwards."""
    try:
        return bench.run(anew(bench.needs), scale)
    finally:
        gone(open_stack())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.environ.get("PROGRAM_NAME", "python -m benchmarks"), description=__doc__)
    names = [bench.name for bench in BENCHES]
    parser.add_argument("name", nargs="?", choices=names, help="; ".join(f"{bench.name}: {bench.about}" for bench in BENCHES))
    parser.add_argument("--scale", type=float, default=1.0, metavar="S", help="times the usual number of events")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"bench: {error}")
