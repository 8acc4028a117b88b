"""The stream itself: what is read from Kafka, how much at a time, and where its position is kept."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from cdp.paths import EVENTS, checkpoint_url
from cdp.settings import Settings
from streaming.sink import Sink

KAFKA_SECONDS = 10.0


class TopicAway(RuntimeError):
    """There is nothing to read from."""


def require_topic(settings: Settings, topic: str) -> None:
    """Spark itself asks Kafka for minutes before it gives up."""
    config: dict[str, str | int | float | bool] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security,
        "log_level": 0,
    }
    try:
        topics = AdminClient(config).list_topics(timeout=KAFKA_SECONDS).topics
    except KafkaException as error:
        reason = error.args[0].str()
        raise TopicAway(f"Kafka at {settings.kafka_bootstrap} does not answer: {reason}; start it: ./run up kafka") from error
    if topic not in topics:
        raise TopicAway(f"Kafka at {settings.kafka_bootstrap} has no topic {topic}; ./run up kafka makes the declared ones.")


def start(spark: SparkSession, settings: Settings, topic: str, sink: Sink, once: bool) -> StreamingQuery:
    """Start the stream. Once: it ends when it has taken what was there at the start."""
    writer = (
        messages(spark, settings, topic)
        .writeStream.queryName("events")
        .foreachBatch(sink)
        .option("checkpointLocation", checkpoint_url(settings, EVENTS))
    )
    interval = f"{settings.stream_seconds} seconds"
    trigger = writer.trigger(availableNow=True) if once else writer.trigger(processingTime=interval)
    return trigger.start()


def messages(spark: SparkSession, settings: Settings, topic: str) -> DataFrame:
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("kafka.security.protocol", settings.kafka_security)
        # The producer writes pages in transactions; one that was taken back is none of our events.
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", settings.stream_messages)
        .load()
    )
