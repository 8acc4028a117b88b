"""./run night --explain: what became of a night, step by step and check by check, and what to do. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

import psycopg2
from psycopg2.extensions import cursor as Cursor

from batch.stores.mart import MartAway, connection_arguments
from cdp import postgres
from cdp.nights import SELECT_RUNS, CheckOutcome, NightRun, remedy, run_from_row
from cdp.said import first_line
from cdp.settings import Settings
from cdp.warehouse import NIGHT_RUN, PUBLICATION


def explain(settings: Settings, day: date | None, say: Callable[[str], None]) -> int:
    """The last night, or the last one of a day. 0 where it was published or had nothing to do, or still runs."""
    try:
        connection = psycopg2.connect(**connection_arguments(settings))
        try:
            with connection, connection.cursor() as cursor:
                run, serves = _found(cursor, day)
        finally:
            connection.close()
    except psycopg2.Error as error:
        where, why = postgres.place(settings), first_line(error)
        raise MartAway(f"Postgres at {where} can't be used: {why}; see ./run status.") from error
    if run is None:
        say(f"no night of {day} was begun" if day else "no night was begun yet")
        return 1
    for line in lines(run, serves):
        say(line)
    return 1 if run.stopped else 0


def _found(cursor: Cursor, day: date | None) -> tuple[NightRun | None, str]:
    """The run, and what serves now."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [NIGHT_RUN.full_name])
    ((there,),) = cursor.fetchall()
    if not there:
        return None, ""
    cursor.execute(f"{SELECT_RUNS} WHERE day = coalesce(%s, day) ORDER BY id DESC LIMIT 1", [day])
    row = cursor.fetchone()
    cursor.execute(f"SELECT id, day, published_at FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1")
    serving = cursor.fetchone()
    serves = "publication {} of {}, since {}".format(*serving[:2], _moment(serving[2])) if serving else "nothing"
    return None if row is None else run_from_row(row), serves


def lines(run: NightRun, serves: str) -> Iterator[str]:
    yield f"night {run.day}: {run.state}" + (f" ({run.why})" if run.stopped and not run.failed_checks else "")
    yield f"  begun {_moment(run.begun_at)}, run {run.id}, process {run.pid} on {run.host}"
    for name, seconds in run.seconds.items():
        yield f"  {name:<13}{seconds:>6.1f} s"
    if run.step and run.step not in run.seconds:
        yield f"  {run.step:<13}{'runs' if run.state == 'running' else 'not ended':>8}"
    if run.checks:
        yield "checks"
    for check in run.checks:
        yield from _told(check)
    needed = {check.name for check in run.checks if check.accepted}
    for given in run.accepted:
        if given.check not in needed:
            yield f"  {given.check} was to be accepted by {given.who}, and had no need of it"
    yield f"serves: {serves}"
    if run.stopped:
        yield "to do: mend what it says, then the first; the second publishes all the same" if run.failed_checks else "to do:"
        yield from (f"  {command}" for command in remedy(run))


def _told(check: CheckOutcome) -> Iterator[str]:
    yield f"  {check.state:<9} {check.name:<10} {check.says}"
    if check.accepted:
        yield f"  {'':<9} {'':<10} accepted by {check.accepted.who} on {check.accepted.at}: {check.accepted.why}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
