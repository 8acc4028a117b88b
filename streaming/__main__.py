"""The stream: `python -m streaming` runs until SIGTERM; `python -m streaming --once` reads what Kafka has now and ends."""

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
from cdp.programs import STREAM_NEEDS_PERSON, check_arguments_only
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkUnavailable, end_session, session
from streaming.book import Book, LedgerUnavailable, StreamAlreadyRunning
from streaming.ledger.read import LedgerUnreadable
from streaming.resume import FROM_EARLIEST_OPTION, CannotResume
from streaming.runner import StreamFailed, StreamRunner
from streaming.tables import ForeignTable
from streaming.topic import TopicUnavailable, topic_now
from streaming.turn import StreamInterrupted, is_read_by_another, take_turn

#: Errors that are shown as one line. A retry may help against the first; the second need an operator.
RETRYABLE_ERRORS = (
    SettingError,
    TopicUnavailable,
    SparkUnavailable,
    LedgerUnavailable,
    LedgerUnreadable,
    StreamAlreadyRunning,
    StreamFailed,
    StreamInterrupted,
)
OPERATOR_ERRORS = (CannotResume, ForeignTable)


@dataclass(frozen=True, slots=True)
class StreamArguments:
    """The options of the command line."""

    once: bool = False
    or_wait: bool = False
    from_earliest: bool = False
    debug: bool = False

    @property
    def quiet(self) -> bool:
        return self.once and not self.debug


def run(settings: Settings, topic: str, arguments: StreamArguments) -> str:
    """Run the stream until it ends or gets a signal, finishing the batch in progress. Returns a summary for the operator."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    kafka_topic, book = topic_now(settings, topic), Book(settings, stop)
    # Checks that fail fast come before the slow start of a Spark session.
    if not take_turn(book, (lambda: is_read_by_another(settings, kafka_topic)) if arguments.or_wait else None, stop):
        return "another stream is running and has read all messages that were there"
    started = time.monotonic()
    try:
        spark = session(settings, "cdp stream", settings.spark_stream_cores, quiet=arguments.quiet)
        try:
            counts = StreamRunner(spark, settings, topic, book, stop, print_line).run(arguments.once, arguments.from_earliest)
        finally:
            end_session(spark)
    finally:
        book.close()
    if arguments.once and stop.is_set():
        raise StreamInterrupted(f"stopped by a signal after {counts}; run the same command again to continue.")
    return f"{counts} in {time.monotonic() - started:.1f} s" if counts.received else "nothing new"


def print_line(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    arguments = _parse_arguments(argv)
    if check_arguments_only():
        return 0
    if not arguments.debug:
        # py4j logs a page when its JVM dies; the error line below is enough.
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
    try:
        print_line(run(current(), topic, arguments))
    except (*RETRYABLE_ERRORS, *OPERATOR_ERRORS) as error:
        if arguments.debug:
            raise
        print(f"stream: {error}", file=sys.stderr)
        return STREAM_NEEDS_PERSON if isinstance(error, OPERATOR_ERRORS) else 1
    return 0


def _parse_arguments(argv: list[str] | None) -> StreamArguments:
    parser = _make_parser()
    arguments = StreamArguments(**vars(parser.parse_args(argv)))
    if arguments.or_wait and not arguments.once:
        parser.error("--or-wait goes with --once.")
    return arguments


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming"), description="Carries events from Kafka to HDFS."
    )
    parser.add_argument("--once", action="store_true", help="read what Kafka has now, then end")
    parser.add_argument("--or-wait", action="store_true", help="if another stream is running, wait until it has read that")
    parser.add_argument(
        FROM_EARLIEST_OPTION,
        dest="from_earliest",
        action="store_true",
        help="set the checkpoint aside and start from the earliest messages that Kafka still has; prints what is lost",
    )
    parser.add_argument("--debug", action="store_true", help="show Spark's log and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
