"""The night: python -m batch --day D publishes a day. --from A --to B publishes the last day of a history after restating all
its days once; with --every week it adds snapshots of past days. --explain tells of the last night."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import psycopg2
from deltalake.exceptions import DeltaError

from batch.explain import explain
from batch.gate.checks import CHECKS
from batch.gate.verdict import GateClosed, accept
from batch.hdfs.changes import NoEvents, events_now
from batch.night import Night, keep_house, publish_day
from batch.pace import Pace
from batch.runs import begin, recorded
from batch.steps import StepFailed
from batch.stores.mart import MartAway, NightRuns, night_connection
from cdp.days import day_from_text, days_between
from cdp.nights import Accepted
from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED, only_words
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, end_session, root_cause, session

#: A scheduled night is skipped where its day and those before it, so many in all, have no event.
SCHEDULED_DAYS = 3


def run(settings: Settings, days: list[date], everything: bool, quiet: bool, accepted: Sequence[Accepted] = ()) -> None:
    # The lock first, and who has it: who comes second should know before a cluster is kept waiting.
    with night_connection(settings) as connection:
        first = begin(connection, settings, days[0], clock, accepted)
        with recorded(first):
            spark = session(settings, f"cdp night {days[-1]}", settings.spark_job_cores, quiet=quiet, brief=len(days) == 1)
        try:
            night, pace = Night(settings, spark, connection, clock, say, accepted), Pace(len(days))
            states = [publish_day(night, day, everything, first if day == first.day else None, pace.place()) for day in days]
            keep_house(night, days[-1])
            if "published" in states:
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
        days = _days(given)
        accepted = accept(given.accept, given.why, clock())
    except ValueError as error:
        parser.error(str(error))
    if only_words():
        return 0
    try:
        if given.explain:
            return explain(current(), given.day, say)
        if given.scheduled and (why := nothing_to_publish(current(), days[0])):
            say(f"night {days[0]} is skipped: {why}")
            return NIGHT_SKIPPED
        run(current(), days, given.all, quiet=not given.debug, accepted=accepted)
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


def _days(given: argparse.Namespace) -> list[date]:
    if given.scheduled and (not given.day or given.explain):
        raise ValueError("--scheduled goes with --day D.")
    if given.explain and not (given.first or given.last or given.all or given.accept):
        return []
    if given.day and not (given.first or given.last):
        return [given.day]
    if given.first and given.last and not given.day:
        return list(days_between(given.first, given.last))
    raise ValueError("say which day: --day D, or --from D --to D; --explain takes --day alone.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m batch"),
        description="Publishes the state as of a day, if the checks let it.",
    )
    parser.add_argument("--day", type=_day, metavar="D", help="the day to publish, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", type=_day, metavar="D", help="publish each day from this one")
    parser.add_argument("--to", dest="last", type=_day, metavar="D", help="to this one")
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
