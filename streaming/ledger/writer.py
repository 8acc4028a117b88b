"""Writes the ledger's rows into Postgres through the connection that holds the stream's lock. Rows that are already there are
not changed, as in the Delta tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_batch

from cdp.mart.daily import LAST_BATCHES, parse_next_offsets
from streaming.events.account import BatchAccount
from streaming.ledger.rows import INSERT_BATCH, INSERT_HOUR, Batch, make_batch_row, make_hour_row
from streaming.lock import LockedConnection
from streaming.messages import PartitionKey, StreamPosition

_LAST = f"""
    SELECT topic_id, offsets FROM {LAST_BATCHES} WHERE topic = %s AND (%s IS NULL OR stream = %s)
    ORDER BY written_at DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class LedgerWriter:
    """Writes the batches of a stream, and reads where its last batch ended."""

    connection: LockedConnection

    def write(self, batch: Batch, account: BatchAccount) -> None:
        """Write a whole batch or nothing."""
        hours = [make_hour_row(batch.stream, batch.number, hour) for hour in account.hours]
        batch_row = make_batch_row(batch, account)

        def insert(cursor: Cursor) -> None:
            execute_batch(cursor, INSERT_HOUR, hours)
            cursor.execute(INSERT_BATCH, batch_row)

        self.connection.write(insert)

    def read_position(self, topics: Sequence[str], stream: str | None) -> StreamPosition | None:
        """The end of the stream's last recorded batch; without a stream, that of the most recent one. None if there is none."""
        topic_ids: dict[str, str] = {}
        offsets: dict[PartitionKey, int] = {}
        for topic in topics:
            if last := self.connection.read(partial(_read_last, topic=topic, stream=stream)):
                topic_ids[topic] = last[0]
                offsets |= {PartitionKey(topic, number): offset for number, offset in last[1].items()}
        return StreamPosition(topic_ids, offsets) if topic_ids else None


def _read_last(cursor: Cursor, topic: str, stream: str | None) -> tuple[str, dict[int, int]] | None:
    """The topic's id, and the next offset of each partition."""
    cursor.execute(_LAST, [topic, stream, stream])
    row = cursor.fetchone()
    return (row[0], parse_next_offsets(row[1])) if row else None
