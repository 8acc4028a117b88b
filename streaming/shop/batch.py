"""Writes a batch of the shop's changes: one transaction in Postgres, then the events to Kafka, then, now and then, the tables on
HDFS. Each of the three goes on from its own record of what it did, so a batch that Spark delivers again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from cdp.events.topics import name_shop_topic
from cdp.fraud import evaluate
from cdp.lake.shop import SHOP_LAKE_TABLES
from streaming.messages import Counts
from streaming.query import BatchContext
from streaming.shop.account import Reading, TopicReading, add_counts, keep_refusals, read_state, require_complete
from streaming.shop.changes import TABLE_OF_TOPIC, Message, ShopChanges, read_changes
from streaming.shop.events import write_events
from streaming.shop.lake import LakeWriter
from streaming.shop.rows import buffer_changes, delete_rows, drop_rows_before, write_rows
from streaming.shop.sender import EventSender

_COLUMNS = ("topic", "offset", "timestamp", "key", "value")


@dataclass(slots=True)
class ShopWriter:
    """Writes the batches of a run."""

    sender: EventSender | None = None
    lake: LakeWriter | None = None

    def write_batch(self, messages: DataFrame, context: BatchContext) -> Counts:
        changes = read_changes(collect_messages(messages))
        context.connection.write(lambda cursor: write_changes(cursor, changes, context))
        self.sender = self.sender or EventSender(context.settings, context.connection, context.stream)
        self.sender.send()
        context.connection.write(evaluate)
        self.lake = self.lake or LakeWriter(context.settings, context.connection, context.stream)
        self.lake.advance(context.once)
        received, refused = (sum(getattr(counts, name) for counts in changes.counts.values()) for name in ("received", "refused"))
        return Counts(received, received - refused, refused)


def collect_messages(messages: DataFrame) -> list[Message]:
    """The messages of the batch, those of a topic in their order."""
    table = messages.select(*_COLUMNS).toArrow().sort_by([("topic", "ascending"), ("offset", "ascending")])
    return [Message(*values) for values in zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True)]


def write_changes(cursor: Cursor, changes: ShopChanges, context: BatchContext) -> None:
    """Write everything that a batch changes in Postgres, unless it is written already."""
    reading = read_state(cursor, context.stream)
    if reading.last_batch >= context.number:
        return
    require_complete(reading, context.number, context.ranges)
    number = reading.new_number
    for table in changes.tables.values():
        write_rows(cursor, table, number)
        buffer_changes(cursor, table, number)
    write_events(cursor, changes.tables, find_senders(context), context.stream, number)
    for table in changes.tables.values():
        delete_rows(cursor, table)
    snapshots = end_snapshots(cursor, changes, reading)
    topic_ids = {topic.name: topic.id for topic in context.topics}
    # A first batch may be empty; its record shows that the next one follows it.
    for each in (each for each in context.ranges if each.count or each.topic not in reading.next_offsets):
        read = TopicReading(topic_ids[each.topic], each, changes.counts[each.topic], snapshots.get(each.topic), changes.newest)
        add_counts(cursor, context.stream, context.number, number, read)
    keep_refusals(cursor, context.stream, changes.refusals)


def find_senders(context: BatchContext) -> dict[str, bool]:
    """Which tables the shop has ever sent a message of."""
    ends = {each.topic: each.end for each in context.ranges}
    return {name: ends.get(name_shop_topic(name), 0) > 0 for name in SHOP_LAKE_TABLES}


def end_snapshots(cursor: Cursor, changes: ShopChanges, reading: Reading) -> dict[str, int]:
    """Remove the rows that a finished snapshot did not have. Returns the topics whose snapshot goes on, each with its first
    batch."""
    snapshots = dict(reading.snapshots)
    for topic, name in TABLE_OF_TOPIC.items():
        table = changes.tables[name]
        if table.snapshot_begins:
            snapshots[topic] = reading.new_number
        if table.snapshot_ends and topic in snapshots:
            drop_rows_before(cursor, name, snapshots.pop(topic), reading.new_number)
    return snapshots
