"""The stream: python -m streaming, until SIGTERM; python -m streaming --once takes what is there and ends. Only wires."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

from cdp.events import EVENTS_RAW
from cdp.programs import STREAM_NEEDS_PERSON
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, session
from streaming.account import Counts
from streaming.book import Book, LedgerAway, StreamRuns
from streaming.carry import Carrier, StreamFailed
from streaming.standing import ANEW, Stuck
from streaming.tables import ForeignTable
from streaming.topic import TopicAway, topic_now


class Stopped(RuntimeError):
    """It was asked to end before all that was there had been taken."""


#: Each with one line for a person. The second need one; after the first the same again may help.
TROUBLES = (SettingError, TopicAway, SparkAway, LedgerAway, StreamRuns, StreamFailed, Stopped)
NEED_PERSON = (Stuck, ForeignTable)


def run(settings: Settings, topic: str, once: bool, anew: bool, quiet: bool) -> Counts:
    """Start the stream and stay until it ends or is asked to; a running batch is brought to its end first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    topic_now(settings, topic)
    book = Book(settings, stop)
    # What says no at once comes before a cluster is kept waiting.
    book.open()
    try:
        spark = session(settings, "cdp stream", settings.spark_stream_cores, quiet=quiet)
        try:
            counts = Carrier(spark, settings, topic, book, stop, say).carry(once, anew)
        finally:
            spark.stop()
    finally:
        book.close()
    if once and stop.is_set():
        raise Stopped(f"asked to stop after {counts}; the same again goes on from there.")
    return counts


def say(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    given = _parser().parse_args(argv)
    begun = time.monotonic()
    try:
        counts = run(current(), topic, given.once, given.anew, quiet=given.once and not given.debug)
    except (*TROUBLES, *NEED_PERSON) as error:
        if given.debug:
            raise
        print(f"stream: {error}", file=sys.stderr)
        return STREAM_NEEDS_PERSON if isinstance(error, NEED_PERSON) else 1
    say(f"{counts} in {time.monotonic() - begun:.1f} s" if counts.received else "nothing new")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming"), description="Carries events from Kafka to HDFS."
    )
    parser.add_argument("--once", action="store_true", help="take what is there and end")
    parser.add_argument(
        ANEW,
        dest="anew",
        action="store_true",
        help="set the checkpoint aside and begin with what Kafka still has; says what is lost",
    )
    parser.add_argument("--debug", action="store_true", help="Spark's own log, and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
