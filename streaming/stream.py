"""The streaming query: what it reads from Kafka, how much at a time, and where its checkpoint lies."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from cdp.lake.paths import EVENTS, checkpoint_url
from cdp.settings import Settings
from streaming.sink import Sink


def start(spark: SparkSession, settings: Settings, topic: str, sink: Sink, once: bool) -> StreamingQuery:
    """Start the stream. With `once` it ends after reading what Kafka had at the start."""
    # A batch stays in memory for a few seconds only, so compressing it costs more than the memory it saves.
    spark.conf.set("spark.sql.inMemoryColumnarStorage.compressed", "false")
    writer = (
        read_messages(spark, settings, topic)
        .writeStream.queryName("events")
        .foreachBatch(sink)
        .option("checkpointLocation", checkpoint_url(settings, EVENTS))
    )
    interval = f"{settings.stream_interval_seconds} seconds"
    trigger = writer.trigger(availableNow=True) if once else writer.trigger(processingTime=interval)
    return trigger.start()


def read_messages(spark: SparkSession, settings: Settings, topic: str) -> DataFrame:
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("kafka.security.protocol", settings.kafka_security)
        # The producer writes pages in transactions; pages of aborted ones are no events.
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        # Bounds the memory of the first batch after a long pause.
        .option("maxOffsetsPerTrigger", settings.stream_batch_messages)
        .load()
    )
