"""The night: python -m batch --day D, or --from D --to D, which publishes each day in turn."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, date, datetime

from batch.mart import MartAway, NightRuns, night_connection
from batch.night import Night, keep_house, publish_day
from batch.steps import StepFailed
from cdp.days import day_from_text, days_between
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, root_cause, session


def run(settings: Settings, days: list[date], everything: bool, quiet: bool) -> None:
    # The lock first: who comes second should know before a cluster is kept waiting.
    with night_connection(settings) as connection:
        spark = session(settings, f"cdp night {days[-1]}", settings.spark_job_cores, quiet=quiet)
        try:
            night = Night(settings, spark, connection, lambda: datetime.now(UTC), say)
            for day in days:
                publish_day(night, day, everything)
            keep_house(night, days[-1])
        finally:
            spark.stop()


def say(line: str) -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        days = _days(given)
    except ValueError as error:
        parser.error(str(error))
    try:
        run(current(), days, given.all, quiet=not given.debug)
    except (SettingError, SparkAway, MartAway, NightRuns, StepFailed) as error:
        if given.debug:
            raise
        print(f"night: {_line(error)}", file=sys.stderr)
        return 1
    return 0


def _line(error: Exception) -> str:
    """What went wrong, and for a step also which."""
    if isinstance(error, StepFailed) and error.__cause__:
        return f"{error}: {root_cause(error.__cause__)}"
    return str(error)


def _days(given: argparse.Namespace) -> list[date]:
    if given.day and not (given.first or given.last):
        return [given.day]
    if given.first and given.last and not given.day:
        return list(days_between(given.first, given.last))
    raise ValueError("say which day: --day D, or --from D --to D.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m batch"), description="Publishes the state as of a day."
    )
    parser.add_argument("--day", type=_day, metavar="D", help="the day to publish, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", type=_day, metavar="D", help="publish each day from this one")
    parser.add_argument("--to", dest="last", type=_day, metavar="D", help="to this one")
    parser.add_argument("--all", action="store_true", help="restate every day, also where nothing has changed")
    parser.add_argument("--debug", action="store_true", help="Spark's own log, and the traceback of an error")
    return parser


def _day(text: str) -> date:
    try:
        return day_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
