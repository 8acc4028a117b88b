"""The stream of exposures: `python -m streaming.exposures` runs until SIGTERM; with `--once` it reads what Kafka has and ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from deltalake.exceptions import DeltaError

from cdp.errors import first_line
from cdp.events.topics import REC_EXPOSURES
from cdp.programs import EXPOSURES_STREAM, STREAM_NEEDS_PERSON, check_arguments_only
from cdp.settings import SettingError, Settings, current
from streaming.exposures.lake import LakeSink
from streaming.exposures.postgres import PostgresSink
from streaming.exposures.reader import Reader, TopicChanged
from streaming.lock import LedgerUnavailable, LockedConnection, StreamAlreadyRunning
from streaming.resume import CannotResume
from streaming.tables import ForeignTable
from streaming.topic import TopicUnavailable, read_topic

RETRYABLE_ERRORS = (SettingError, TopicUnavailable, TopicChanged, LedgerUnavailable, StreamAlreadyRunning)
OPERATOR_ERRORS = (CannotResume, ForeignTable)
LAKE_ERRORS = (DeltaError, OSError, TimeoutError)


def run(settings: Settings, topic_name: str, once: bool, stop: threading.Event) -> int:
    topic, connection = read_topic(settings, topic_name), LockedConnection(settings, EXPOSURES_STREAM, stop)
    connection.open()
    try:
        postgres, lake = PostgresSink(connection, topic), LakeSink(settings, topic)
        postgres.open()
        lake.open()
        print_line(f"reading {topic_name} from {settings.kafka_bootstrap}")
        return Reader(settings, topic, (postgres, lake), stop, print_line).run(once)
    finally:
        connection.close()


def print_line(line: str) -> None:
    print(f"exposures: {line}", flush=True)


def main(argv: list[str] | None = None, topic: str = REC_EXPOSURES.name) -> int:
    arguments = _make_parser().parse_args(argv)
    if check_arguments_only():
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = current()
        print_line(f"read {run(settings, topic, arguments.once, stop):,} messages")
    except (*RETRYABLE_ERRORS, *OPERATOR_ERRORS) as error:
        print(f"exposures: {error}", file=sys.stderr)
        return STREAM_NEEDS_PERSON if isinstance(error, OPERATOR_ERRORS) else 1
    except LAKE_ERRORS as error:
        where = f"{settings.hdfs_url}{settings.hdfs_root}"
        print(
            f"exposures: the table in {where} can't be written: {first_line(error)}; see ./run status namenode.", file=sys.stderr
        )
        return 1
    return 0


def _make_parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m streaming.exposures")
    parser = argparse.ArgumentParser(prog=name, description="Writes served, seen and clicked recommendations.")
    parser.add_argument("--once", action="store_true", help="read what Kafka has now, then end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
