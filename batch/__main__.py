"""The night: python -m batch --day D publishes a day. --from A --to B publishes the last day of a history after restating all
its days once; with --every week it adds snapshots of past days. --explain tells of the last night."""

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
from batch.hdfs.changes import NoEvents, events_now
from batch.night import Night, keep_house, publish_day
from batch.past import EVERY, Every, make_snapshots
from batch.runs import begin, recorded
from batch.steps import StepFailed
from batch.stores.mart import MartAway, NightRuns, night_connection
from cdp.days import day_from_text
from cdp.nights import Accepted
from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED, only_words
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, end_session, root_cause, session

#: A scheduled night is skipped where its day and those before it, so many in all, have no event.
SCHEDULED_DAYS = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked of the night: the day to publish, and how often a snapshot of the days before it, from a first one."""

    day: date
    everything: bool = False
    every: Every | None = None
    first: date | None = None
    accepted: Sequence[Accepted] = ()


def run(settings: Settings, order: Order, quiet: bool) -> None:
    # The lock first, and who has it: who comes second should know before a cluster is kept waiting.
    with night_connection(settings) as connection:
        begun = begin(connection, settings, order.day, clock, order.accepted)
        with recorded(begun):
            is_brief = order.every is None
            spark = session(settings, f"cdp night {order.day}", settings.spark_job_cores, quiet=quiet, brief=is_brief)
        try:
            night = Night(settings, spark, connection, clock, say, order.accepted)
            state = publish_day(night, order.day, order.everything, begun)
            if order.every and order.first:
                make_snapshots(night, order.every, order.first, order.day)
            keep_house(night, order.day)
            if state == "published":
                say("next: ./run segments refresh")
        finally:
            end_session(spark)


def clock() -> datetime:
    return datetime.now(UTC)


def say(line: str) -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        order = None if given.explain else _order(given)
        if given.explain:
            _require_day_alone(given)
    except ValueError as error:
        parser.error(str(error))
    if only_words():
        return 0
    try:
        if order is None:
            return explain(current(), given.day, say)
        if given.scheduled and (why := nothing_to_publish(current(), order.day)):
            say(f"night {order.day} is skipped: {why}")
            return NIGHT_SKIPPED
        run(current(), order, quiet=not given.debug)
    except (SettingError, SparkAway, MartAway, NightRuns, StepFailed, psycopg2.Error) as error:
        if given.debug:
            raise
        print(f"night: {_line(error)}", file=sys.stderr)
        return NIGHT_NEEDS_PERSON if isinstance(error.__cause__, GateClosed) else 1
    return 0


def nothing_to_publish(settings: Settings, day: date) -> str:
    """Why a schedule that goes on after the events have ended publishes nothing; empty where there is something. What can't be
    asked now is no reason: the night says what is wrong."""
    try:
        days = events_now(settings).days
    except NoEvents as error:
        return str(error)
    except (DeltaError, OSError):
        return ""
    if any(day - timedelta(days=back) in days for back in range(SCHEDULED_DAYS)):
        return ""
    last = max((each for each in days if each < day), default=None)
    return f"the last day with events is {last or 'later'}; to publish it all the same: ./run night --day {day}"


def _line(error: Exception) -> str:
    """What went wrong, and for a step also which. A closed gate has more to say than a line."""
    if isinstance(error.__cause__, GateClosed):
        return error.__cause__.text
    if isinstance(error, StepFailed) and error.__cause__:
        return f"{error}: {root_cause(error.__cause__)}"
    if isinstance(error, psycopg2.Error):
        return f"between its steps: {root_cause(error)}"
    return str(error)


def _require_day_alone(given: argparse.Namespace) -> None:
    if given.first or given.last or given.all or given.accept or given.every or given.scheduled:
        raise ValueError("--explain takes --day alone.")


def _order(given: argparse.Namespace) -> Order:
    is_range = bool(given.first and given.last)
    if bool(given.day) == is_range or bool(given.first) != bool(given.last):
        raise ValueError("say which day: --day D, or --from D --to D; --explain takes --day alone.")
    if given.scheduled and is_range:
        raise ValueError("--scheduled goes with --day D.")
    if is_range and given.last < given.first:
        raise ValueError(f"the range ends ({given.last}) before it begins ({given.first}).")
    if given.every and not is_range:
        raise ValueError("--every goes with --from D --to D.")
    accepted = accept(given.accept, given.why, clock())
    return Order(given.last or given.day, given.all, given.every, given.first, accepted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m batch"),
        description="Publishes the state as of a day, if the checks let it.",
    )
    parser.add_argument("--day", type=_day, metavar="D", help="the day to publish, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", type=_day, metavar="D", help="the first day of a history")
    parser.add_argument("--to", dest="last", type=_day, metavar="D", help="its last day, the one to publish")
    parser.add_argument(
        "--every", choices=EVERY, help="also make a snapshot of each day, Sunday or last day of a month in the range"
    )
    parser.add_argument("--all", action="store_true", help="restate every day, also where nothing has changed")
    parser.add_argument("--scheduled", action="store_true", help="where the events ended before D: publish nothing, exit 99")
    parser.add_argument("--explain", action="store_true", help="what became of the last night, or of the last one of --day")
    parser.add_argument(
        "--accept", nargs="+", action="extend", default=[], metavar="CHECK",
        help=f"publish although this check fails, on record: {', '.join(check.name for check in CHECKS)}",
    )  # fmt: skip
    parser.add_argument("--why", default="", metavar="TEXT", help="for --accept: the reason, which everybody can read")
    parser.add_argument("--debug", action="store_true", help="Spark's own log, and the traceback of an error")
    return parser


def _day(text: str) -> date:
    try:
        return day_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
