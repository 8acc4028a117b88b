"""Runs a night. python -m batch --day D publishes a day. --from A --to B restates all days of a history once and publishes the
last one; with --every week it adds snapshots of past days. --explain describes the last night."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg2
from deltalake.exceptions import DeltaError

from batch.explain import explain
from batch.gate.checks import CHECKS
from batch.gate.verdict import GateClosed, accept
from batch.hdfs.changes import NoEvents, read_events_version
from batch.night import Night, publish_day, run_maintenance
from batch.past import EVERY, Every, make_snapshots
from batch.runs import begin_run, record_failures
from batch.steps import StepFailed
from batch.stores.mart import MartUnavailable, NightAlreadyRunning, night_connection
from cdp.cli import parse_day
from cdp.mart.nights import Accepted
from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED, check_arguments_only
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkUnavailable, end_session, root_cause, session

#: A scheduled night is skipped if this many days, up to and including its own, have no events.
SCHEDULED_DAYS = 3


@dataclass(frozen=True, slots=True)
class NightRequest:
    """The day to publish, and optionally a first day and an interval for snapshots of past days."""

    day: date
    everything: bool = False
    every: Every | None = None
    first: date | None = None
    accepted: Sequence[Accepted] = ()


def run(settings: Settings, request: NightRequest, quiet: bool) -> None:
    # Take the lock before starting Spark, so that a second night fails at once and names the first.
    with night_connection(settings) as connection:
        record = begin_run(connection, settings, request.day, clock, request.accepted)
        with record_failures(record):
            is_brief = request.every is None
            spark = session(settings, f"cdp night {request.day}", settings.spark_job_cores, quiet=quiet, brief=is_brief)
        try:
            night = Night(settings, spark, connection, clock, say, request.accepted)
            state = publish_day(night, request.day, request.everything, record)
            if request.every and request.first:
                make_snapshots(night, request.every, request.first, request.day)
            run_maintenance(night, request.day)
            if state == "published":
                say("next: ./run segments refresh")
        finally:
            end_session(spark)


def clock() -> datetime:
    return datetime.now(UTC)


def say(line: str) -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        request = None if arguments.explain else _make_request(arguments)
        if arguments.explain:
            _require_day_alone(arguments)
    except ValueError as error:
        parser.error(str(error))
    if check_arguments_only():
        return 0
    try:
        if request is None:
            return explain(current(), arguments.day, say)
        if arguments.scheduled and (reason := find_reason_to_skip(current(), request.day)):
            say(f"night {request.day} is skipped: {reason}")
            return NIGHT_SKIPPED
        run(current(), request, quiet=not arguments.debug)
    except (SettingError, SparkUnavailable, MartUnavailable, NightAlreadyRunning, StepFailed, psycopg2.Error) as error:
        if arguments.debug:
            raise
        print(f"night: {_describe_error(error)}", file=sys.stderr)
        return NIGHT_NEEDS_PERSON if isinstance(error.__cause__, GateClosed) else 1
    return 0


def find_reason_to_skip(settings: Settings, day: date) -> str:
    """Why a scheduled night has nothing to publish, which happens when the events have ended. Empty if it has something, or if
    the events can't be read now: the night then reports the error."""
    try:
        days = read_events_version(settings).days
    except NoEvents as error:
        return str(error)
    except (DeltaError, OSError):
        return ""
    if any(day - timedelta(days=back) in days for back in range(SCHEDULED_DAYS)):
        return ""
    last = max((each for each in days if each < day), default=None)
    events = f"the last day with events is {last}" if last else f"there are no events before {day}"
    return f"{events}; to publish {day} anyway: ./run night --day {day}"


def _describe_error(error: Exception) -> str:
    """One line, with the name of the step if one failed. A closed gate takes several lines."""
    if isinstance(error.__cause__, GateClosed):
        return error.__cause__.text
    if isinstance(error, StepFailed) and error.__cause__:
        return f"{error}: {root_cause(error.__cause__)}"
    if isinstance(error, psycopg2.Error):
        return f"between its steps: {root_cause(error)}"
    return str(error)


def _require_day_alone(arguments: argparse.Namespace) -> None:
    if arguments.first or arguments.last or arguments.all or arguments.accept or arguments.every or arguments.scheduled:
        raise ValueError("--explain can only be combined with --day.")


def _make_request(arguments: argparse.Namespace) -> NightRequest:
    is_range = bool(arguments.first and arguments.last)
    if bool(arguments.day) == is_range or bool(arguments.first) != bool(arguments.last):
        raise ValueError("give a day: --day D, or --from D --to D; --explain can only be combined with --day.")
    if arguments.scheduled and is_range:
        raise ValueError("--scheduled needs --day D.")
    if is_range and arguments.last < arguments.first:
        raise ValueError(f"the range ends ({arguments.last}) before it begins ({arguments.first}).")
    if arguments.every and not is_range:
        raise ValueError("--every needs --from D --to D.")
    accepted = accept(arguments.accept, arguments.why, clock(), arguments.who)
    return NightRequest(arguments.last or arguments.day, arguments.all, arguments.every, arguments.first, accepted)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m batch"),
        description="Publishes the state as of a day, if the checks pass.",
    )
    parser.add_argument("--day", type=parse_day, metavar="D", help="the day to publish, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", type=parse_day, metavar="D", help="the first day of a history")
    parser.add_argument("--to", dest="last", type=parse_day, metavar="D", help="its last day, which is published")
    parser.add_argument(
        "--every", choices=EVERY, help="also make a snapshot of each day, Sunday or last day of a month in the range"
    )
    parser.add_argument("--all", action="store_true", help="restate every day, even if nothing has changed")
    parser.add_argument("--scheduled", action="store_true", help="publish nothing and exit with 99 if the events ended before D")
    parser.add_argument("--explain", action="store_true", help="describe the last night, or the last one of --day")
    parser.add_argument(
        "--accept", nargs="+", action="extend", default=[], metavar="CHECK",
        help=f"publish even if this check fails, on record: {', '.join(check.name for check in CHECKS)}",
    )  # fmt: skip
    parser.add_argument("--why", default="", metavar="TEXT", help="the reason for --accept, visible to everybody")
    parser.add_argument("--who", default="", metavar="NAME", help="who accepts; without it, the user who typed the command")
    parser.add_argument("--debug", action="store_true", help="show Spark's own log, and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
