"""The ledger in Postgres as the stream writes it, and the lock that keeps a second stream off the same checkpoint.

One connection holds the lock and writes. When Postgres goes away the stream waits for it a while; a batch that could not be
written down is not committed, so that it comes again. What stands there already stays as it is, as in the tables.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_batch

from cdp import postgres
from cdp.paths import EVENTS, checkpoint_url
from cdp.programs import STREAM
from cdp.said import first_line
from cdp.settings import Settings
from cdp.warehouse import STREAM_BATCH, create_statements
from streaming.account import Account
from streaming.ledger.fold import fold
from streaming.ledger.rows import INSERT_BATCH, INSERT_HOUR, Batch, batch_row, hour_row
from streaming.standing import Position

#: With a hash of the checkpoint's address. Any number, as long as nobody else in this database takes it.
STREAM_LOCK = 7_301_002
#: A restart of Postgres takes seconds.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5


class LedgerAway(RuntimeError):
    """Postgres has not taken what was to be written down."""


class StreamRuns(RuntimeError):
    """There is one stream at a time on a checkpoint."""


class Book:
    """Open as long as the stream runs."""

    def __init__(self, settings: Settings, stop: threading.Event, patience: float = PATIENCE_SECONDS) -> None:
        self._settings = settings
        self._stop = stop
        self._patience = patience
        self._connection: Connection | None = None
        self._folded: date | None = None

    def open(self) -> None:
        """Take the lock and make the tables. Whoever comes second should know at once, and whether Postgres is there."""
        try:
            self._fold_days()
        except psycopg2.Error as error:
            raise self._away(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def write(self, batch: Batch, written: Account) -> None:
        """All of a batch or nothing; again and again until Postgres takes it or patience ends."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._write(batch, written)
                self._fold_days()
                return
            except (psycopg2.OperationalError, psycopg2.InterfaceError, StreamRuns) as error:
                # The server may not have noticed yet that a connection is gone, and keep its lock for a moment.
                self.close()
                if time.monotonic() > deadline or self._stop.wait(PAUSE_SECONDS):
                    raise error if isinstance(error, StreamRuns) else self._away(error) from error
            except psycopg2.Error as error:
                raise self._away(error) from error

    def position(self, topic: str, stream: str | None) -> Position | None:
        """Up to where the stream has written down its batches; without one, the stream that was the last."""
        wanted = f"SELECT topic_id, offsets FROM {STREAM_BATCH.full_name} WHERE topic = %s AND (%s IS NULL OR stream = %s)"
        try:
            with self._connected() as connection, connection.cursor() as cursor:
                cursor.execute(f"{wanted} ORDER BY written_at DESC, batch DESC LIMIT 1", [topic, stream, stream])
                row = cursor.fetchone()
        except psycopg2.Error as error:
            raise self._away(error) from error
        return Position(row[0], {int(number): taken["until"] for number, taken in row[1].items()}) if row else None

    def _write(self, batch: Batch, written: Account) -> None:
        connection = self._connected()
        with connection, connection.cursor() as cursor:
            execute_batch(cursor, INSERT_HOUR, [hour_row(batch.stream, batch.number, hour) for hour in written.hours])
            cursor.execute(INSERT_BATCH, batch_row(batch, written))

    def _fold_days(self) -> None:
        """Once a day, and a stream may run for months."""
        connection, today = self._connected(), datetime.now(UTC).date()
        if self._folded != today:
            fold(connection, today)
            self._folded = today

    def _connected(self) -> Connection:
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
            ((taken,),) = cursor.fetchall()
            if not taken:
                raise StreamRuns(f"another stream runs on the checkpoint {url}; end that one first.")
            for statement in create_statements():
                cursor.execute(statement)

    def _away(self, error: psycopg2.Error) -> LedgerAway:
        where, why = postgres.place(self._settings), first_line(error)
        return LedgerAway(
            f"the ledger in Postgres at {where} can't be written: {why}. Nothing is lost; when ./run status shows Postgres"
            " healthy, the same again goes on where it ended."
        )
