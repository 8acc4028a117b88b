"""./run night --explain: the result of a night, its steps and checks, and what to do next. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

import psycopg2
from psycopg2.extensions import cursor as Cursor

from batch.stores.mart import MartUnavailable, connection_arguments
from cdp import postgres
from cdp.errors import first_line
from cdp.mart.daily import NIGHT_RUN, PUBLICATION
from cdp.mart.nights import SELECT_RUNS, CheckOutcome, NightRun, remedy, run_from_row
from cdp.settings import Settings


def explain(settings: Settings, day: date | None, say: Callable[[str], None]) -> int:
    """Explain the last night, or the last one of a day. Returns 0 if it published, had nothing to do, or still runs."""
    try:
        connection = psycopg2.connect(**connection_arguments(settings))
        try:
            with connection, connection.cursor() as cursor:
                run, serving = _read_run(cursor, day)
        finally:
            connection.close()
    except psycopg2.Error as error:
        where, why = postgres.place(settings), first_line(error)
        raise MartUnavailable(f"Postgres at {where} can't be used: {why}; see ./run status.") from error
    if run is None:
        say(f"no night has run for {day}" if day else "no night has run yet")
        return 1
    for line in describe(run, serving):
        say(line)
    return 1 if run.stopped else 0


def _read_run(cursor: Cursor, day: date | None) -> tuple[NightRun | None, str]:
    """The run, and the publication that readers see now."""
    cursor.execute(postgres.TABLE_EXISTS, [NIGHT_RUN.full_name])
    ((has_runs,),) = cursor.fetchall()
    if not has_runs:
        return None, ""
    cursor.execute(f"{SELECT_RUNS} WHERE day = coalesce(%s, day) ORDER BY id DESC LIMIT 1", [day])
    row = cursor.fetchone()
    cursor.execute(f"SELECT id, day, published_at FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1")
    publication = cursor.fetchone()
    serving = (
        "publication {} of {}, since {}".format(*publication[:2], _format_time(publication[2])) if publication else "nothing"
    )
    return None if row is None else run_from_row(row), serving


def describe(run: NightRun, serving: str) -> Iterator[str]:
    yield f"night {run.day}: {run.state}" + (f" ({run.why})" if run.stopped and not run.failed_checks else "")
    yield f"  started {_format_time(run.begun_at)}, run {run.id}, process {run.pid} on {run.host}"
    for name, seconds in run.seconds.items():
        yield f"  {name:<13}{seconds:>6.1f} s"
    if run.step and run.step not in run.seconds:
        yield f"  {run.step:<13}{'running' if run.state == 'running' else 'stopped':>8}"
    if run.checks:
        yield "checks"
    for check in run.checks:
        yield from _describe_check(check)
    needed = {check.name for check in run.checks if check.accepted}
    for acceptance in run.accepted:
        if acceptance.check not in needed:
            yield f"  {acceptance.who} accepted {acceptance.check}, which was not needed"
    yield f"serving: {serving}"
    if run.stopped:
        both = "next: fix the cause and run the first command, or publish anyway with the second"
        yield both if run.failed_checks else "next:"
        yield from (f"  {command}" for command in remedy(run))


def _describe_check(check: CheckOutcome) -> Iterator[str]:
    yield f"  {check.state:<9} {check.name:<10} {check.says}"
    if check.accepted:
        yield f"  {'':<9} {'':<10} accepted by {check.accepted.who} on {check.accepted.at}: {check.accepted.why}"


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
