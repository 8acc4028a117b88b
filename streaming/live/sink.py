"""Writes one batch of the live numbers: the tables in one transaction, then Kafka, Redis and the fraud rules, which all follow
from the tables. Writing a batch twice changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from cdp.fraud import evaluate
from cdp.mart.live_windows import read_progress
from cdp.settings import Settings
from streaming.live import tables
from streaming.live.account import LiveBatch, account_for
from streaming.live.interests import InterestWriter, Touched, find_touched
from streaming.live.windows import WindowSender
from streaming.messages import Counts
from streaming.query import BatchContext

#: A new process sends the windows of this time again, because the one before may have ended in between.
RESENT = timedelta(minutes=10)


def write_batch(rows: DataFrame, context: BatchContext) -> Counts:
    """`rows` are events and accounts, as the query's transform makes them."""
    table = rows.toArrow()
    counts = _write_tables(table, context).counts
    # Those that an earlier try has counted are among them.
    if len(events := table.filter(pc.is_valid(table.column("event_time")))):
        outputs = _open_outputs(context.settings)
        context.connection.read(partial(outputs.send, touched=find_touched(events), all_windows=context.once))
        context.connection.write(evaluate)
    return Counts(counts.received, counts.received - counts.refused, counts.refused)


def _write_tables(rows: pa.Table, context: BatchContext) -> LiveBatch:
    batches: list[LiveBatch] = []  # the transaction may be tried several times

    def write(cursor: Cursor) -> None:
        batches.append(_add_batch(cursor, rows, context))

    context.connection.write(write)
    return batches[0]


def _add_batch(cursor: Cursor, rows: pa.Table, context: BatchContext) -> LiveBatch:
    (topic,) = context.topics
    position = tables.read_position(cursor)
    counted = position.offsets if position and position.topic_id == topic.id else {}
    batch = account_for(rows, counted, context.watermark)
    tables.add_events(cursor, batch.events)
    ends = {offsets.partition: max(offsets.end, counted.get(offsets.partition, 0)) for offsets in context.ranges}
    tables.write_progress(cursor, context.number, topic.id, {**counted, **ends}, batch)
    tables.delete_old_rows(cursor, position.newest if position else None, batch.newest)
    return batch


@dataclass(slots=True)
class Outputs:
    """What follows from the tables. It lives as long as the stream's process."""

    windows: WindowSender
    interests: InterestWriter
    is_new: bool = True

    def send(self, cursor: Cursor, touched: Touched, all_windows: bool) -> None:
        progress = read_progress(cursor)
        assert progress
        assert progress.newest_event
        minutes = set(touched.minutes)
        if self.is_new:
            # Windows that the process before this one has not sent.
            minutes.update(tables.list_minutes(cursor, progress.newest_event - RESENT))
        self.windows.note_minutes(minutes, progress.newest_event)
        self.windows.send(cursor, self.windows.take_due(all_windows))
        self.interests.write(cursor, touched, datetime.now(UTC))
        self.is_new = False


@cache
def _open_outputs(settings: Settings) -> Outputs:
    return Outputs(WindowSender(settings), InterestWriter(settings))
