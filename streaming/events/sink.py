"""Writes one batch of messages: quarantine, then events, then the ledger. Writing a batch twice changes nothing.

Each write of a table records the stream's id and the batch's number in Delta's own log (txnAppId, txnVersion); they are also
the key of the ledger. After a crash between two writes, Spark delivers the batch again: writes that happened are skipped, the
missing ones are made. Spark commits the batch last, so every committed batch is in the ledger.
"""

from __future__ import annotations

import time
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.storagelevel import StorageLevel

from cdp.events.fields import BOUNDS
from cdp.lake.paths import table_url
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, LakeTable
from cdp.settings import Settings
from streaming.events.account import BatchAccount, Group, add_up, group_messages
from streaming.events.parse import parse, select_events, select_refusals
from streaming.ledger.rows import Batch, PartitionRead
from streaming.ledger.writer import LedgerWriter
from streaming.messages import Counts
from streaming.query import BatchContext


def write_batch(messages: DataFrame, context: BatchContext) -> Counts:
    """Write a batch into the two tables, then into the ledger."""
    account = write_tables(context.settings, messages, context.stream, context.number)
    reads = tuple(PartitionRead(offsets, account.count_in(offsets.key)) for offsets in context.ranges)
    topic_ids = {topic.name: topic.id for topic in context.topics}
    milliseconds = round((time.monotonic() - context.started) * 1000)
    LedgerWriter(context.connection).write(Batch(context.stream, context.number, topic_ids, reads, milliseconds), account)
    return account.counts


def write_tables(settings: Settings, messages: DataFrame, stream: str, batch_id: int) -> BatchAccount:
    """Write a batch into the two tables. The ledger comes afterwards."""
    parsed = parse(messages, replace(BOUNDS, currency=settings.currency)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        groups = group_messages(parsed).collect()  # few rows: one per hour, partition and reason
        account = add_up(Group(**row.asDict()) for row in groups)
        for frame, table, count in (
            # One file per day and batch, not one per day, batch and task.
            (select_refusals(parsed).coalesce(1), QUARANTINE_TABLE, account.counts.quarantined),
            (select_events(parsed).repartition("event_day"), EVENTS_TABLE, account.counts.good),
        ):
            if count:
                _append(frame, settings, table, stream, batch_id)
    finally:
        parsed.unpersist()
    return account


def _append(frame: DataFrame, settings: Settings, table: LakeTable, stream: str, batch_id: int) -> None:
    writer = frame.write.format("delta").mode("append").option("txnAppId", stream).option("txnVersion", batch_id)
    writer.save(table_url(settings, table.name))
