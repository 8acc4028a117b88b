"""Records a night in mart.night_run when it begins, at each step and when it ends, so a killed night is visible too.

Each write is a transaction of its own. If the end of a failed night can't be written, its row stays as it is: without the night's
connection it reads as cut off.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from batch.stores.mart import connection_arguments
from cdp.mart.daily import NIGHT_RUN
from cdp.mart.nights import FATE, Accepted, CheckOutcome
from cdp.settings import Settings
from cdp.spark import root_cause

TABLE = NIGHT_RUN.full_name


class RunRecord:
    """The row of one night."""

    def __init__(self, connection: Connection, settings: Settings, clock: Callable[[], datetime], run_id: int) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self.id = run_id

    def begin_step(self, step: str, seconds: Mapping[str, float]) -> None:
        """`seconds` are those of the steps before it."""
        self._write(step=step, seconds=Json(dict(seconds)))

    def record_checks(self, outcomes: Sequence[CheckOutcome]) -> None:
        self._write(checks=_to_json(outcomes))

    def record_publication(self, publication: int) -> None:
        """Called before publication, so that a night killed right after it is known to have published."""
        self._write(publication=publication)

    def end(self, state: str, seconds: Mapping[str, float]) -> None:
        self._write(state=state, seconds=Json(dict(seconds)), ended_at=self._clock())

    def fail(self, reason: str) -> None:
        """If the night's own connection is broken, tries another one, and gives up if that fails too."""
        values = {"state": "failed", "reason": reason, "ended_at": self._clock()}
        with suppress(psycopg2.Error):
            try:
                self._write(**values)
            except psycopg2.Error:
                other = psycopg2.connect(**connection_arguments(self._settings))
                try:
                    self._write_on(other, **values)
                finally:
                    other.close()

    def _write(self, **values: Any) -> None:
        self._write_on(self._connection, **values)

    def _write_on(self, connection: Connection, **values: Any) -> None:
        changes = ", ".join(f"{name} = %({name})s" for name in values)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET {changes} WHERE id = %(id)s AND state = 'running'", {**values, "id": self.id})


def begin_run(
    connection: Connection, settings: Settings, day: date, clock: Callable[[], datetime], accepted: Sequence[Accepted] = ()
) -> RunRecord:
    """Requires the night lock. Holding it proves that any other run still marked running was killed."""
    row: dict[str, Any] = {
        "day": day, "begun_at": clock(), "state": "running", "seconds": Json({}), "checks": Json([]),
        "accepted": _to_json(accepted), "host": socket.gethostname(), "pid": os.getpid(), "backend": connection.info.backend_pid,
    }  # fmt: skip
    places = ", ".join(f"%({name})s" for name in row)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} r SET state = {FATE} WHERE state = 'running'")
        cursor.execute(
            f"INSERT INTO {TABLE} (id, {', '.join(row)}) SELECT coalesce(max(id), 0) + 1, {places} FROM {TABLE} RETURNING id", row
        )
        ((run_id,),) = cursor.fetchall()
    return RunRecord(connection, settings, clock, run_id)


@contextmanager
def record_failures(run: RunRecord) -> Iterator[None]:
    """Records the exception that ends the run, and raises it again."""
    try:
        yield
    except Exception as error:
        run.fail(root_cause(error.__cause__ or error))
        raise
    except BaseException:
        run.fail("it was stopped by hand")
        raise


def _to_json(values: Sequence[Accepted] | Sequence[CheckOutcome]) -> Json:
    return Json([asdict(value) for value in values])
