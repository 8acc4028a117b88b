"""A stream: `python -m streaming` runs until SIGTERM; `python -m streaming --once` reads what Kafka has now and ends.

`python -m streaming NAME` runs another stream than "events".
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from functools import partial

from cdp.programs import EVENTS_STREAM, STREAM_NEEDS_PERSON, check_arguments_only, name_stream
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkUnavailable, end_session, session
from streaming.events.query import EVENTS_QUERY
from streaming.ledger.read import LedgerUnreadable
from streaming.live.query import LIVE_QUERY
from streaming.lock import LedgerUnavailable, LockedConnection, StreamAlreadyRunning
from streaming.query import Query
from streaming.resume import FROM_EARLIEST_OPTION, CannotResume
from streaming.runner import StreamFailed, StreamRunner
from streaming.shop.query import SHOP_QUERY
from streaming.tables import ForeignTable
from streaming.topic import TopicUnavailable, read_topics
from streaming.turn import StreamInterrupted, is_read_by_another, take_turn

#: Every stream by its name.
QUERIES = {query.name: query for query in (EVENTS_QUERY, SHOP_QUERY, LIVE_QUERY)}

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

    query: str = EVENTS_STREAM
    once: bool = False
    or_wait: bool = False
    from_earliest: bool = False
    debug: bool = False

    @property
    def quiet(self) -> bool:
        return self.once and not self.debug


def run(settings: Settings, query: Query, arguments: StreamArguments) -> str:
    """Run the stream until it ends or gets a signal, finishing the batch in progress. Returns a summary for the operator."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    topics, connection = read_topics(settings, query.topics), LockedConnection(settings, query.name, stop)
    is_read = partial(is_read_by_another, settings, query, topics) if arguments.or_wait else None
    # Checks that fail fast come before the slow start of a Spark session.
    if not take_turn(connection, is_read, stop):
        return "another stream is running and has read all messages that were there"
    started = time.monotonic()
    try:
        spark = session(settings, name_stream(query.name), getattr(settings, query.cores), quiet=arguments.quiet)
        try:
            runner = StreamRunner(spark, settings, query, connection, stop, print_line)
            counts = runner.run(arguments.once, arguments.from_earliest)
        finally:
            end_session(spark)
    finally:
        connection.close()
    if arguments.once and stop.is_set():
        raise StreamInterrupted(f"stopped by a signal after {counts}; run the same command again to continue.")
    return f"{counts} in {time.monotonic() - started:.1f} s" if counts.received else "nothing new"


def print_line(line: str) -> None:
    print(f"stream: {line}", flush=True)


def main(argv: list[str] | None = None, topics: tuple[str, ...] = ()) -> int:
    """`topics` are read instead of those that the query names."""
    arguments = _parse_arguments(argv)
    query = QUERIES[arguments.query]
    if check_arguments_only():
        return 0
    if not arguments.debug:
        # py4j logs a page when its JVM dies; the error line below is enough.
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
    try:
        print_line(run(current(), replace(query, topics=topics or query.topics), arguments))
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
    parser.add_argument("query", nargs="?", default=EVENTS_STREAM, choices=QUERIES, help="the stream (default: %(default)s)")
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
