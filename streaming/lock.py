"""One connection to Postgres for each running stream. It holds the lock that keeps a second one off the same checkpoint.

If Postgres goes away, the stream waits for it for a while. A batch whose rows could not be written is not committed, so Spark
delivers it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from cdp import postgres
from cdp.errors import first_line
from cdp.lake.paths import checkpoint_url
from cdp.mart.daily import create_statements
from cdp.programs import name_stream
from cdp.settings import Settings

#: The first key of the advisory lock; the second is a hash of the checkpoint's url, so each query has a lock of its own. Nothing
#: else in this database may use it.
STREAM_LOCK = 7_301_002
#: A restart of Postgres takes seconds.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5

T = TypeVar("T")


class LedgerUnavailable(RuntimeError):
    """Postgres did not accept the ledger rows in time."""


class StreamAlreadyRunning(RuntimeError):
    """Only one stream may use a checkpoint at a time."""


class LockedConnection:
    """The connection of a query. While it is open it holds the query's lock, also when it was opened again after a failure."""

    def __init__(self, settings: Settings, query: str, stop: threading.Event, patience: float = PATIENCE_SECONDS) -> None:
        self._settings = settings
        self._query = query
        self._stop = stop
        self._patience = patience
        self._connection: Connection | None = None

    def open(self) -> None:
        """Take the lock and create the tables. Fails at once if another stream has the lock or Postgres is away."""
        try:
            self._connect()
        except psycopg2.Error as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def read(self, work: Callable[[Cursor], T]) -> T:
        """Do the work once and return its result."""
        try:
            return self._run(work)
        except psycopg2.Error as error:
            raise self._unavailable(error) from error

    def write(self, work: Callable[[Cursor], object]) -> None:
        """Do all of the work in one transaction, or nothing. Repeats it until Postgres accepts it or the patience ends."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._run(work)
                return
            except (psycopg2.OperationalError, psycopg2.InterfaceError, StreamAlreadyRunning) as error:
                # The server may not have noticed that the connection is gone, and may hold its lock a moment longer.
                self.close()
                if time.monotonic() > deadline or self._stop.wait(PAUSE_SECONDS):
                    raise error if isinstance(error, StreamAlreadyRunning) else self._unavailable(error) from error
            except psycopg2.Error as error:
                raise self._unavailable(error) from error

    def _run(self, work: Callable[[Cursor], T]) -> T:
        with self._connect() as connection, connection.cursor() as cursor:
            return work(cursor)

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = psycopg2.connect(**postgres.connection_arguments(self._settings, name_stream(self._query)))
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: Connection) -> None:
        with connection, connection.cursor() as cursor:
            url = checkpoint_url(self._settings, self._query)
            cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [STREAM_LOCK, url])
            ((locked,),) = cursor.fetchall()
            if not locked:
                raise StreamAlreadyRunning(f"another stream is running on the checkpoint {url}; stop it first.")
            for statement in create_statements():
                cursor.execute(statement)

    def _unavailable(self, error: psycopg2.Error) -> LedgerUnavailable:
        where, why = postgres.place(self._settings), first_line(error)
        return LedgerUnavailable(
            f"the ledger in Postgres at {where} can't be written: {why}. Nothing is lost; when ./run status shows Postgres"
            " healthy, run the same command again to continue."
        )
