"""Runs a benchmark on a stack of its own: ./run bench NAME [--scale S] [--json]. The exit status is 1 if a goal is missed.
Without a name it lists the benchmarks; some take an hour."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import (
    cdc,
    day_tables,
    ingest,
    ingest_faults,
    live,
    live_latency,
    night,
    night_agreement,
    recommend,
    recommend_api,
    segments,
    stream,
    stream_day,
    stream_faults,
    stream_small,
    web,
    web_tasks,
)
from benchmarks.outcome import Outcome
from benchmarks.servers import remove_stack, start_empty
from infra.stack.stack import Stack, StackError, open_stack


@dataclass(frozen=True, slots=True)
class Bench:
    name: str
    about: str
    needs: tuple[str, ...]
    run: Callable[[Stack, float], Outcome]
    #: The same on public data, which it downloads.
    run_public: Callable[[Stack, float], Outcome] | None = None


STREAM_NEEDS = (
    "kafka", "source", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres",
)  # fmt: skip
NIGHT_NEEDS = (*STREAM_NEEDS, "mongo")
BENCHES = (
    Bench("ingest", "source to Kafka: the naive way, ours, and Kafka's own ProducerPerformance", ("kafka", "source"), ingest.run),
    Bench("stream", "Kafka to HDFS: ours, its previous code, bare Spark, a hand-written consumer", STREAM_NEEDS, stream.run),
    Bench("stream-small", "starts and batches of 100 messages: ours, and its previous code", STREAM_NEEDS, stream_small.run),
    Bench("cdc", "a commit in the shop's database to a reader of Kafka: single orders, a large transaction", cdc.NEEDS, cdc.run),
    Bench(
        "live-latency",
        "a commit in the shop's database to the live page, all streams running",
        live_latency.NEEDS,
        live_latency.run,
    ),
    Bench(
        "live",
        "the live numbers: highest rate, age, ten times the customers; a hand-written consumer",
        live.NEEDS,
        live.run,
    ),
    Bench("day-tables", "Postgres: the rows of all days in one table or in partitions", day_tables.NEEDS, day_tables.run),
    Bench("night-growth", "the night of one more day, while the history grows", night.NEEDS, night.run_growth),
    Bench(
        "night-backfill", "ten million events in one night: time, memory, speed of the stores", night.NEEDS, night.run_backfill
    ),
    Bench("night-agreement", "every metric, computed a second time from the file", NIGHT_NEEDS, night_agreement.run),
    Bench("segments", "20 rules at a million customers, beside Postgres; runs; a refresh", segments.NEEDS, segments.run),
    Bench("segments-growth", "the same rules from 0.25 to 4 million customers", segments.NEEDS, segments.run_growth),
    Bench("web", "20 users on a site of a million customers: pages, API, previews, weight of the pages", web.NEEDS, web.run),
    Bench("web-tasks", "what people do with the site: clicks, keys, seconds", web_tasks.NEEDS, web_tasks.run),
    Bench(
        "recommend",
        "200,000 customers, 50,000 products: training, quality, answers; --public: quality on groceries and films",
        recommend.NEEDS,
        recommend.run,
        recommend.run_public,
    ),
    Bench("recommend-api", "the recommendation API at 200 requests a second", recommend_api.NEEDS, recommend_api.run),
    Bench("ingest-faults", "producer, source and broker killed during a load", ("kafka", "source"), ingest_faults.run),
    Bench("stream-faults", "driver, executor, HDFS and broker killed during the stream", STREAM_NEEDS, stream_faults.run),
    Bench("stream-day", "files on HDFS after a day of small batches, before and after compaction", STREAM_NEEDS, stream_day.run),
)


def main(argv: list[str] | None = None) -> int:
    arguments = _build_parser().parse_args(argv)
    if arguments.name is None:
        print("\n".join(f"  {bench.name:<16} {bench.about}" for bench in BENCHES))
        return 0
    bench = next(bench for bench in BENCHES if bench.name == arguments.name)
    run = bench.run_public if arguments.public else bench.run
    if run is None:
        public = [bench.name for bench in BENCHES if bench.run_public]
        raise StackError(f"{bench.name} has no measurement on public data; --public is for: {', '.join(public)}")
    outcome = _run(bench, run, arguments.scale)
    print(json.dumps(outcome.as_json(), indent=1)) if arguments.json else outcome.show()
    return 0 if outcome.met else 1


def _run(bench: Bench, run: Callable[[Stack, float], Outcome], scale: float) -> Outcome:
    """Run it on servers without data, which are removed afterwards."""
    try:
        return run(start_empty(bench.needs), scale)
    finally:
        remove_stack(open_stack())


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.environ.get("PROGRAM_NAME", "python -m benchmarks"), description=__doc__)
    names = [bench.name for bench in BENCHES]
    parser.add_argument("name", nargs="?", choices=names, help="; ".join(f"{bench.name}: {bench.about}" for bench in BENCHES))
    parser.add_argument("--scale", type=float, default=1.0, metavar="S", help="factor on the usual number of events")
    parser.add_argument("--public", action="store_true", help="measure on public data, which is downloaded (recommend)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"bench: {error}")
