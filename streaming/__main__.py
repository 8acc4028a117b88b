"""The stream: python -m streaming, until SIGTERM; python -m streaming --once takes what is there and ends. Only wires."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from cdp.events import EVENTS_RAW
from cdp.programs import STREAM_NEEDS_PERSON, only_words
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, end_session, session
from streaming.book import Book, LedgerAway, StreamRuns
from streaming.carry import Carrier, StreamFailed
from streaming.ledger.read import LedgerUnread
from streaming.standing import ANEW, Stuck
from streaming.tables import ForeignTable
from streaming.topic import TopicAway, topic_now
from streaming.turn import Stopped, take_turn, taken_by_another

#: Each with one line for a person. The second need one; after the first the same again may help.
TROUBLES = (SettingError, TopicAway, SparkAway, LedgerAway, LedgerUnread, StreamRuns, StreamFailed, Stopped)
NEED_PERSON = (Stuck, ForeignTable)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    once: bool = False
    or_wait: bool = False
    anew: bool = False
    debug: bool = False

    @property
    def quiet(self) -> bool:
        return self.once and not self.debug


def run(settings: Settings, topic: str, asked: Asked) -> str:
    """Start the stream and stay until it ends or is asked to; a running batch is brought to its end first. What it did."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    there, book = topic_now(settings, topic), Book(settings, stop)
    # What says no at once comes before a cluster is kept waiting.
    if not take_turn(book, (lambda: taken_by_another(settings, there)) if asked.or_wait else None, stop):
        return "another stream runs, and has taken what was there"
    begun = time.monotonic()
    try:
        spark = session(settings, "cdp stream", settings.spark_stream_cores, quiet=asked.quiet)
        try:
            counts = Carrier(spark, settings, topic, book, stop, say).carry(asked.once, asked.anew)
        finally:
            end_session(spark)
    finally:
        book.close()
    if asked.once and stop.is_set():
        raise Stopped(f"asked to stop after {counts}; the same again goes on from there.")
    return f"{counts} in {time.monotonic() - begun:.1f} s" if counts.received else "nothing new"


def say(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    asked = _asked(argv)
    if only_words():
        return 0
    if not asked.debug:
        # Of a JVM that is gone it writes a page; here that is one line.
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
    try:
        say(run(current(), topic, asked))
    except (*TROUBLES, *NEED_PERSON) as error:
        if asked.debug:
            raise
        print(f"stream: {error}", file=sys.stderr)
        return STREAM_NEEDS_PERSON if isinstance(error, NEED_PERSON) else 1
    return 0


def _asked(argv: list[str] | None) -> Asked:
    parser = _parser()
    asked = Asked(**vars(parser.parse_args(argv)))
    if asked.or_wait and not asked.once:
        parser.error("--or-wait goes with --once.")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming"), description="Carries events from Kafka to HDFS."
    )
    parser.add_argument("--once", action="store_true", help="take what is there and end")
    parser.add_argument("--or-wait", action="store_true", help="where another stream runs: wait until it has taken that")
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
