"""Writes one batch of messages: quarantine, then events, then the ledger. Writing a batch twice changes nothing.

Spark's tasks write the files (worker.py), and one commit per table adds them. It records the stream's id and the batch's number
in Delta's own log; they are also the key of the ledger. After a crash between two writes, Spark delivers the batch again: writes
that happened are skipped, the missing ones are made. Spark commits the batch last, so every committed batch is in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from pyspark.sql import DataFrame

from cdp.events.reading import MESSAGES_SCHEMA
from cdp.lake.paths import table_url
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE
from cdp.settings import Settings
from cdp.spark import map_in_arrow
from streaming.commit import BatchKey, OpenTable, open_table
from streaming.events.account import BatchAccount, Group, add_up
from streaming.events.worker import RESULT, BatchTask
from streaming.files import NewFile, TableFolder
from streaming.ledger.rows import Batch, PartitionRead
from streaming.ledger.writer import LedgerWriter
from streaming.messages import Counts
from streaming.query import BatchContext

#: A batch of fewer messages is one task, so that it leaves one file per day.
MESSAGES_PER_TASK = 50_000
#: A Python worker that only reads needs this much memory. Rows need their size twice: a task sorts and compresses them.
READING_MB = 250


def write_batch(messages: DataFrame, context: BatchContext) -> Counts:
    """Write a batch into the two tables, then into the ledger."""
    tasks = choose_tasks(context.settings, sum(offsets.count for offsets in context.ranges))
    account = write_tables(context.settings, messages, context.stream, context.number, tasks)
    reads = tuple(PartitionRead(offsets, account.count_in(offsets.key)) for offsets in context.ranges)
    topic_ids = {topic.name: topic.id for topic in context.topics}
    milliseconds = round((time.monotonic() - context.started) * 1000)
    LedgerWriter(context.connection).write(Batch(context.stream, context.number, topic_ids, reads, milliseconds), account)
    return account.counts


def choose_tasks(settings: Settings, messages: int) -> int:
    return max(1, min(settings.spark_stream_cores, messages // MESSAGES_PER_TASK))


def write_tables(settings: Settings, messages: DataFrame, stream: str, number: int, tasks: int = 1) -> BatchAccount:
    """Write a batch into the two tables. The ledger comes afterwards."""
    key = BatchKey(stream, number)
    tables = [open_table(settings, table) for table in (QUARANTINE_TABLE, EVENTS_TABLE)]
    missing = [table for table in tables if not table.has_batch(key)]
    files, groups = _run_tasks(settings, messages, missing, tasks)
    for table in missing:
        _append(table, [file for file in files if file.table == table.table.name], key)
    return add_up(groups)


def _run_tasks(
    settings: Settings, messages: DataFrame, tables: Sequence[OpenTable], tasks: int
) -> tuple[list[NewFile], list[Group]]:
    folders = [TableFolder(each.table, table_url(settings, each.table.name), settings.hdfs_replication) for each in tables]
    task = BatchTask(folders, settings.currency, (settings.stream_worker_mb - READING_MB) * 2**20 // 2)
    rows = map_in_arrow(messages.select(*MESSAGES_SCHEMA.names).coalesce(tasks), task, RESULT).collect()
    files = [NewFile(**file.asDict()) for row in rows for file in row.files]
    return files, [Group(**group.asDict()) for row in rows for group in row.groups]


def _append(table: OpenTable, files: Sequence[NewFile], key: BatchKey) -> None:
    if files:
        table.append(files, key)
