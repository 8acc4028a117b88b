"""Writes the stream's ledger into Postgres and holds the lock that keeps a second stream off the same checkpoint.

One connection holds the lock and writes. If Postgres goes away, the stream waits for it for a while. A batch that could not
be recorded is not committed, so Spark delivers it again. Rows that are already there are not changed, as in the Delta tables.
"""

from __future__ import annotations

import threading
import time

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_batch

from cdp import postgres
from cdp.errors import first_line
from cdp.lake.paths import EVENTS, checkpoint_url
from cdp.mart.daily import LAST_BATCHES, create_statements, parse_next_offsets
from cdp.programs import STREAM
from cdp.settings import Settings
from streaming.account import Account
from streaming.ledger.rows import INSERT_BATCH, INSERT_HOUR, Batch, make_batch_row, make_hour_row
from streaming.resume import StreamPosition

#: The first key of the advisory lock; the second is a hash of the checkpoint's url. Nothing else in this database may use it.
STREAM_LOCK = 7_301_002
#: A restart of Postgres takes seconds.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5


class LedgerUnavailable(RuntimeError):
    """Postgres did not accept the ledger rows in time."""


class StreamAlreadyRunning(RuntimeError):
    """Only one stream may use a checkpoint at a time."""


class Book:
    """The stream's connection to the ledger. It stays open while the stream runs."""

    def __init__(self, settings: Settings, stop: threading.Event, patience: float = PATIENCE_SECONDS) -> None:
        self._settings = settings
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

    def write(self, batch: Batch, account: Account) -> None:
        """Write a whole batch or nothing, retrying until Postgres accepts it or the patience ends."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._write(batch, account)
                return
            except (psycopg2.OperationalError, psycopg2.InterfaceError, StreamAlreadyRunning) as error:
                # The server may not have noticed that the connection is gone, and may hold its lock a moment longer.
                self.close()
                if time.monotonic() > deadline or self._stop.wait(PAUSE_SECONDS):
                    raise error if isinstance(error, StreamAlreadyRunning) else self._unavailable(error) from error
            except psycopg2.Error as error:
                raise self._unavailable(error) from error

    def read_position(self, topic: str, stream: str | None) -> StreamPosition | None:
        """The end of the stream's last recorded batch; without a stream, that of the most recent one."""
        select = f"SELECT topic_id, offsets FROM {LAST_BATCHES} WHERE topic = %s AND (%s IS NULL OR stream = %s)"
        try:
            with self._connect() as connection, connection.cursor() as cursor:
                cursor.execute(f"{select} ORDER BY written_at DESC LIMIT 1", [topic, stream, stream])
                row = cursor.fetchone()
        except psycopg2.Error as error:
            raise self._unavailable(error) from error
        return StreamPosition(row[0], parse_next_offsets(row[1])) if row else None

    def _write(self, batch: Batch, account: Account) -> None:
        connection = self._connect()
        with connection, connection.cursor() as cursor:
            execute_batch(cursor, INSERT_HOUR, [make_hour_row(batch.stream, batch.number, hour) for hour in account.hours])
            cursor.execute(INSERT_BATCH, make_batch_row(batch, account))

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = psycopg2.connect(**postgres.connection_arguments(self._settings, STREAM))
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: Connection) -> None:
        with connection, connection.cursor() as cursor:
            url = checkpoint_url(self._settings, EVENTS)
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
