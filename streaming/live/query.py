"""The stream "live" as a query. Spark keeps the ids of recent events, and lets each event through once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import DataFrame

from cdp.events import EVENTS_RAW
from cdp.events.reading import MESSAGES_SCHEMA
from cdp.programs import LIVE_STREAM
from cdp.settings import Settings
from cdp.spark import map_in_arrow
from streaming.ledger.read import open_cursor
from streaming.live.parse import ROWS, LiveReader
from streaming.live.sink import write_batch
from streaming.live.tables import read_position as read_table_position
from streaming.lock import LockedConnection
from streaming.messages import Offsets, PartitionKey, StreamPosition, Topic
from streaming.query import Query

_STATE = "spark.sql.streaming.stateStore"
OPTIONS = {
    # The state of ids needs little: the work of a batch is the reading, and the tables in Postgres. A second part would only add
    # a second commit to HDFS.
    "spark.sql.shuffle.partitions": "1",
    f"{_STATE}.providerClass": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    # A batch sends what it has changed to HDFS, not the whole state.
    f"{_STATE}.rocksdb.changelogCheckpointing.enabled": "true",
    # Without it, an event is late by the watermark of its own batch, and not by that of the batch before.
    "spark.sql.streaming.statefulOperator.allowMultiple": "false",
    # A batch without messages would only delete ids a little sooner.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
}


def select_new_events(messages: DataFrame, settings: Settings) -> DataFrame:
    """Each event once, in the batch that has it first, without late ones; and the accounts of the messages."""
    reader = LiveReader(settings.currency, timedelta(hours=settings.live_age_hours))
    # One task keeps the order of a partition, so that of two equal events in a batch the first is let through.
    rows = map_in_arrow(messages.select(*MESSAGES_SCHEMA.names).coalesce(settings.live_stream_cores), reader, ROWS)
    return rows.withWatermark("event_time", f"{settings.live_late_minutes} minutes").dropDuplicatesWithinWatermark(
        ["event_id", "user_id"]
    )


def read_position(connection: LockedConnection, topics: Sequence[str], stream: str | None) -> StreamPosition | None:
    """What the tables have counted, by whichever checkpoint."""
    position = connection.read(read_table_position)
    if position is None:
        return None
    (topic,) = topics
    offsets = {PartitionKey(topic, number): offset for number, offset in position.offsets.items()}
    return StreamPosition({topic: position.topic_id}, offsets)


def read_next_offsets(settings: Settings, topic: Topic) -> Offsets:
    """The same for a second stream that waits. The first has created the tables with its lock."""
    with open_cursor(settings, "cdp live") as cursor:
        position = read_table_position(cursor)
    offsets = position.offsets if position and position.topic_id == topic.id else {}
    return {PartitionKey(topic.name, number): offset for number, offset in offsets.items()}


LIVE_QUERY = Query(
    name=LIVE_STREAM,
    topics=(EVENTS_RAW.name,),
    tables=(),
    write_batch=write_batch,
    read_position=read_position,
    read_next_offsets=read_next_offsets,
    transform=select_new_events,
    options=OPTIONS,
    interval="live_interval_seconds",
    most_messages="live_batch_messages",
    cores="live_stream_cores",
)
