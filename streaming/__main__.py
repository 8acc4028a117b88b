"""The stream: python -m streaming, until SIGTERM; python -m streaming --once takes what is there and ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cdp.events import EVENTS_RAW
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, root_cause, session
from streaming.account import Counts
from streaming.book import Book, LedgerAway, StreamRuns
from streaming.checkpoint import Checkpoint
from streaming.sink import Sink
from streaming.stream import start
from streaming.tables import ensure_tables
from streaming.topic import Topic, TopicAway, topic_now

#: Each with one line for a person.
TROUBLES = (SettingError, TopicAway, SparkAway, LedgerAway, StreamRuns)


class StreamFailed(RuntimeError):
    """It ended by itself where it should have gone on."""


class Stopped(RuntimeError):
    """It was asked to end before all that was there had been taken."""


def run(settings: Settings, topic: str, once: bool, quiet: bool) -> Counts:
    """Start the stream and stay until it ends or is asked to; a running batch is brought to its end first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    now, book = topic_now(settings, topic), Book(settings, stop)
    # What says no at once comes before a cluster is kept waiting.
    book.open()
    try:
        counts = _stream(settings, now, book, stop, once, quiet)
    finally:
        book.close()
    if once and stop.is_set():
        raise Stopped(f"asked to stop after {counts}; the same again goes on from there.")
    return counts


def _stream(settings: Settings, topic: Topic, book: Book, stop: threading.Event, once: bool, quiet: bool) -> Counts:
    spark = session(settings, "cdp stream", settings.spark_stream_cores, quiet=quiet)
    sink = Sink(settings, book, Checkpoint(spark, settings, topic.name), topic.id, say, stop)
    try:
        _take(spark, settings, topic, sink, once)
    except (Py4JError, PySparkException) as error:
        # Asked to stop, the JVM may have been asked too, and be gone first.
        if not stop.is_set():
            raise _failure(settings, sink.error or error) from error
    finally:
        spark.stop()
    return sink.counts


def _take(spark: SparkSession, settings: Settings, topic: Topic, sink: Sink, once: bool) -> None:
    ensure_tables(spark, settings)
    query = start(spark, settings, topic.name, sink, once)
    say(f"reading {topic.name} from {settings.kafka_bootstrap}")
    while not query.awaitTermination(1):
        if sink.stop.is_set() and not query.status["isTriggerActive"]:
            query.stop()


def _failure(settings: Settings, error: Exception) -> Exception:
    if isinstance(error, TROUBLES):
        return error
    return StreamFailed(
        f"{root_cause(error)}; on the way from Kafka at {settings.kafka_bootstrap} to {settings.hdfs_url}."
        " See ./run status; the same again goes on where it ended."
    )


def say(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    given = _parser().parse_args(argv)
    begun = time.monotonic()
    try:
        counts = run(current(), topic, given.once, quiet=given.once and not given.debug)
    except (*TROUBLES, StreamFailed, Stopped) as error:
        if given.debug:
            raise
        print(f"stream: {error}", file=sys.stderr)
        return 1
    say(f"{counts} in {time.monotonic() - begun:.1f} s" if counts.received else "nothing new")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming"), description="Carries events from Kafka to HDFS."
    )
    parser.add_argument("--once", action="store_true", help="take what is there and end")
    parser.add_argument("--debug", action="store_true", help="Spark's own log, and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
