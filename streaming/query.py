"""A stream as a value: what it reads, the tables it declares, and how it writes a batch. streaming/runner.py runs it.

All else is the same for every query: the checkpoint and the lock, each by the query's name, the check that it can resume, and
the run itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from cdp.lake.paths import checkpoint_url
from cdp.lake.tables import LakeTable
from cdp.settings import Settings
from streaming.lock import LockedConnection
from streaming.messages import Counts, OffsetRange, Offsets, StreamPosition, Topic


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What a query knows of a batch beside its messages. The stream's id comes from the checkpoint: a stream with a new
    checkpoint is another stream, and its batch 0 is not mistaken for the old batch 0."""

    settings: Settings
    connection: LockedConnection
    stream: str
    number: int
    topics: Sequence[Topic]  # as they were when the run began
    ranges: Sequence[OffsetRange]
    started: float  # time.monotonic()
    once: bool = False  # the run ends when it has read what Kafka has
    watermark: datetime | None = None  # events of this time or earlier are late; None if the query has no watermark yet


def read_no_position(connection: LockedConnection, topics: Sequence[str], stream: str | None) -> StreamPosition | None:
    return None


def read_no_offsets(settings: Settings, topic: Topic) -> Offsets:
    return {}


def pass_on(messages: DataFrame, settings: Settings) -> DataFrame:
    return messages


@dataclass(frozen=True, slots=True)
class Query:
    """A stream. Writing a batch twice must change nothing, because Spark delivers it again after a crash."""

    name: str
    topics: tuple[str, ...]
    tables: tuple[LakeTable, ...]
    write_batch: Callable[[DataFrame, BatchContext], Counts]
    #: Where the stream with this id, or the most recent one, ended by the query's own records. A query without records can't
    #: tell that a topic was created again unless the topic is shorter than before.
    read_position: Callable[[LockedConnection, Sequence[str], str | None], StreamPosition | None] = read_no_position
    #: The same without the lock, for a second stream that waits. Without records it waits until the first one ends.
    read_next_offsets: Callable[[Settings, Topic], Offsets] = read_no_offsets
    #: What Spark does with the messages before a batch is written; it may keep state.
    transform: Callable[[DataFrame, Settings], DataFrame] = pass_on
    output_mode: str = "append"
    #: Names of settings: seconds between two batches, most messages in a batch, and cores.
    interval: str = "stream_interval_seconds"
    most_messages: str = "stream_batch_messages"
    cores: str = "spark_stream_cores"
    #: Spark's options of this query alone.
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


def start_query(
    spark: SparkSession, settings: Settings, query: Query, write: Callable[[DataFrame, int], None], once: bool
) -> StreamingQuery:
    """Start the stream. With `once` it ends after reading what Kafka had at the start."""
    for name, value in query.options.items():
        spark.conf.set(name, value)
    writer = (
        query.transform(read_messages(spark, settings, query), settings)
        .writeStream.queryName(query.name)
        .outputMode(query.output_mode)
        .foreachBatch(write)
        .option("checkpointLocation", checkpoint_url(settings, query.name))
    )
    interval = f"{getattr(settings, query.interval)} seconds"
    trigger = writer.trigger(availableNow=True) if once else writer.trigger(processingTime=interval)
    return trigger.start()


def read_messages(spark: SparkSession, settings: Settings, query: Query) -> DataFrame:
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("kafka.security.protocol", settings.kafka_security)
        # The producer writes pages in transactions; pages of aborted ones are no events.
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", ",".join(query.topics))
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        # Bounds the memory of the first batch after a long pause.
        .option("maxOffsetsPerTrigger", getattr(settings, query.most_messages))
        .load()
    )
