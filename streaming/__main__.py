"""The stream: python -m streaming, until SIGTERM; python -m streaming --once takes what is there and ends."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery

from cdp.events import EVENTS_RAW
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, root_cause, session
from streaming.sink import Counts, Sink
from streaming.stream import TopicAway, require_topic, start
from streaming.tables import ensure_tables


class StreamFailed(RuntimeError):
    """It ended by itself where it should have gone on."""


class Stopped(RuntimeError):
    """It was asked to end before all that was there had been taken."""


def run(settings: Settings, topic: str, once: bool, quiet: bool) -> Counts:
    """Start the stream and stay until it ends or is asked to. A batch that a stop cuts off is replayed at the next start."""
    require_topic(settings, topic)
    spark = session(settings, "cdp stream", settings.spark_stream_cores, quiet=quiet)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sink = Sink(settings, say)
    try:
        ensure_tables(spark, settings)
        query = start(spark, settings, topic, sink, once)
        say(f"reading {topic} from {settings.kafka_bootstrap}")
        _stay(query, stop)
    except (Py4JError, PySparkException, OSError) as error:
        # Asked to stop, the JVM may have been asked too, and be gone first.
        if not stop.is_set():
            raise StreamFailed(
                f"{root_cause(sink.error or error)}; on the way from Kafka at {settings.kafka_bootstrap} to {settings.hdfs_url}."
                " See ./run status; the same again goes on where it ended."
            ) from error
    finally:
        # A JVM that was killed can't be asked to stop.
        with suppress(Py4JError, OSError):
            spark.stop()
    if once and stop.is_set():
        raise Stopped(f"asked to stop after {sink.counts}; the same again goes on from there.")
    return sink.counts


def _stay(query: StreamingQuery, stop: threading.Event) -> None:
    while not query.awaitTermination(1):
        if stop.is_set():
            query.stop()


def say(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    given = _parser().parse_args(argv)
    begun = time.monotonic()
    if not given.debug:
        # Of a JVM that is gone it writes a page; here that is one line.
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
    try:
        counts = run(current(), topic, given.once, quiet=given.once and not given.debug)
    except (SettingError, TopicAway, SparkAway, StreamFailed, Stopped) as error:
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
