"""The row of a job in Postgres: who computes it, how far it is, and its outcome with the members."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from batch.stores.mart import MartUnavailable, lock_arguments
from cdp import postgres
from cdp.errors import first_line
from cdp.mart.segment_jobs import JOB_LOCK, SEGMENT_JOB, SEGMENT_JOB_LIST, SEGMENT_JOB_MEMBER
from cdp.settings import Settings

TABLE = SEGMENT_JOB.full_name
_MEMBERS, _LISTS = SEGMENT_JOB_MEMBER.full_name, SEGMENT_JOB_LIST.full_name


class JobRefused(RuntimeError):
    """This process can't compute the job: there is none, it has failed before, or another process computes it."""


class JobCancelled(RuntimeError):
    """The site no longer needs the job."""


class WrongCount(RuntimeError):
    """Two counts of the same rows differ, so the result can't be right."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this process computes."""

    run: int
    rule: Mapping[str, Any]  # the document of a JobRule
    day: date
    customers_version: int
    interactions_version: int


@contextmanager
def job_connection(settings: Settings) -> Iterator[Connection]:
    try:
        connection = psycopg2.connect(**lock_arguments(settings, "cdp segment job"))
    except psycopg2.OperationalError as error:
        where, why = postgres.place(settings), first_line(error)
        raise MartUnavailable(f"Postgres at {where} can't be used: {why}; see ./run status.") from error
    try:
        yield connection
    finally:
        connection.close()


def claim_job(connection: Connection, run: int) -> Job | None:
    """None if nothing is left to do. A job that is marked as running while nobody has its lock was cut off, and begins again."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [JOB_LOCK + run])
        ((is_ours,),) = cursor.fetchall()
        if not is_ours:
            raise JobRefused(f"another process computes run {run} now.")
        cursor.execute(
            f"UPDATE {TABLE} SET state = 'running', step = '', begun_at = now() WHERE run = %s AND state IN ('queued', 'running')"
            " RETURNING run, rule, day, customers_version, interactions_version",
            [run],
        )
        if row := cursor.fetchone():
            return Job(*row)
        cursor.execute(f"SELECT state, error FROM {TABLE} WHERE run = %s", [run])
        state, error = cursor.fetchone() or ("missing", "")
    if state == "missing":
        raise JobRefused(f"there is no job for run {run}; the site adds jobs.")
    if state == "failed":
        raise JobRefused(f"run {run} has failed: {error}")
    return None


def enter_step(connection: Connection, run: int, step: str) -> None:
    """Raises JobCancelled if the site has cancelled the job."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET step = %s WHERE run = %s AND state = 'running'", [step, run])
        _require_running(cursor.rowcount, run)


def read_lists(connection: Connection, run: int, sizes: Mapping[int, int]) -> list[tuple[int, str]]:
    """The rows (list, customer) of all lists in the rule."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT list_id, customer_id FROM {_LISTS} WHERE run = %s", [run])
        rows = cursor.fetchall()
    if len(rows) != sum(sizes.values()):
        raise WrongCount(f"The lists have {sum(sizes.values())} ids, but {len(rows)} came with the job.")
    return rows


def write_members(connection: Connection, run: int, chunks: Iterable[list[str]], expected: int) -> None:
    """Write the members and end the job, in one transaction. `chunks` are lines of COPY."""
    copy = f"COPY {_MEMBERS} ({', '.join(SEGMENT_JOB_MEMBER.column_names)}) FROM STDIN"
    count = 0
    with connection, connection.cursor() as cursor:
        for lines in chunks:
            cursor.copy_expert(copy, io.StringIO("\n".join(lines)))
            count += len(lines)
        if count != expected:
            raise WrongCount(f"The rule selects {expected} customers, but {count} were written.")
        cursor.execute(
            f"UPDATE {TABLE} SET state = 'done', step = '', count = %s, ended_at = now() WHERE run = %s AND state = 'running'",
            [count, run],
        )
        _require_running(cursor.rowcount, run)


def fail_job(connection: Connection, settings: Settings, run: int, error: str) -> None:
    """If the job's own connection is broken, tries another one, and gives up if that fails too."""
    with suppress(psycopg2.Error):
        try:
            _store_failure(connection, run, error)
        except psycopg2.Error:
            with job_connection(settings) as other:
                _store_failure(other, run, error)


def _store_failure(connection: Connection, run: int, error: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET state = 'failed', error = %s, ended_at = now() WHERE run = %s AND state = 'running'",
            [error, run],
        )


def _require_running(rows: int, run: int) -> None:
    if rows == 0:
        raise JobCancelled(f"run {run} was cancelled.")
