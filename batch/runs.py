"""The record of a night in mart.night_run: written at its begin, at each step and at its end, so that a killed one is seen too.

Each write is a transaction of its own. A record that can't be written at the end of a night that failed anyway is left as it
is: without its connection it reads as cut off.
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
from cdp.nights import FATE, Accepted, CheckOutcome
from cdp.settings import Settings
from cdp.spark import root_cause
from cdp.warehouse import NIGHT_RUN

TABLE = NIGHT_RUN.full_name


class Run:
    """One night's row."""

    def __init__(self, connection: Connection, settings: Settings, clock: Callable[[], datetime], run_id: int, day: date) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self.id = run_id
        self.day = day

    def at(self, step: str, seconds: Mapping[str, float]) -> None:
        """A step begins; those before it took so long."""
        self._write(step=step, seconds=Json(dict(seconds)))

    def checked(self, outcomes: Sequence[CheckOutcome]) -> None:
        self._write(checks=_json(outcomes))

    def publishes(self, publication: int) -> None:
        """Before it does, so that a night which is killed right after is known to have published."""
        self._write(publication=publication)

    def ended(self, state: str, seconds: Mapping[str, float]) -> None:
        self._write(state=state, seconds=Json(dict(seconds)), ended_at=self._clock())

    def failed(self, reason: str) -> None:
        """Postgres itself may be why: then on another connection, or not at all."""
        given = {"state": "failed", "reason": reason, "ended_at": self._clock()}
        with suppress(psycopg2.Error):
            try:
                self._write(**given)
            except psycopg2.Error:
                other = psycopg2.connect(**connection_arguments(self._settings))
                try:
                    self._write_on(other, **given)
                finally:
                    other.close()

    def _write(self, **given: Any) -> None:
        self._write_on(self._connection, **given)

    def _write_on(self, connection: Connection, **given: Any) -> None:
        changes = ", ".join(f"{name} = %({name})s" for name in given)
        with connection, connection.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET {changes} WHERE id = %(id)s AND state = 'running'", {**given, "id": self.id})


def begin(
    connection: Connection, settings: Settings, day: date, clock: Callable[[], datetime], accepted: Sequence[Accepted] = ()
) -> Run:
    """Wants the lock of the night: whoever else says of itself that it runs was killed."""
    row: dict[str, Any] = {
        "day": day, "begun_at": clock(), "state": "running", "seconds": Json({}), "checks": Json([]),
        "accepted": _json(accepted), "host": socket.gethostname(), "pid": os.getpid(), "backend": connection.info.backend_pid,
    }  # fmt: skip
    places = ", ".join(f"%({name})s" for name in row)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} r SET state = {FATE} WHERE state = 'running'")
        cursor.execute(
            f"INSERT INTO {TABLE} (id, {', '.join(row)}) SELECT coalesce(max(id), 0) + 1, {places} FROM {TABLE} RETURNING id", row
        )
        ((run_id,),) = cursor.fetchall()
    return Run(connection, settings, clock, run_id, day)


@contextmanager
def recorded(run: Run) -> Iterator[None]:
    """What ends it early is written down, and goes on its way."""
    try:
        yield
    except Exception as error:
        run.failed(root_cause(error.__cause__ or error))
        raise
    except BaseException:
        run.failed("it was stopped by hand")
        raise


def _json(given: Sequence[Accepted] | Sequence[CheckOutcome]) -> Json:
    return Json([asdict(one) for one in given])
