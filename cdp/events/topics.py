"""Kafka topics: their names, keys and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cdp.settings import Settings


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    key: str
    about: str
    spread: bool = False  # has `kafka_partitions` partitions; other topics have one
    keeps_latest: bool = False  # compacted: the latest record of a key stays for good
    max_bytes: int = 0  # of a message; 0: the broker's limit of 1 MB


EVENTS_RAW = Topic("events.raw", "user_id", "shop events as received, one JSON object per message", spread=True)
POSITIONS = Topic("source.positions", "data set", "how far each data set has been sent to events.raw", keeps_latest=True)
STREAM_POSITIONS = Topic(
    "stream.positions", "stream", 'how far the stream "shop" has sent its events to events.raw', keeps_latest=True
)
SEGMENTS_CHANGES = Topic(
    "segments.changes", "customer_id", "who entered and left a segment, one JSON object per message", spread=True
)
LIVE_REVENUE = Topic("live.revenue", "minutes of the window", 'revenue and orders of windows, as the stream "live" computes them')
LIVE_TOP_PRODUCTS = Topic("live.top_products", "minutes of the window", "the products sold most in a window")
REC_EXPOSURES = Topic(
    "rec.exposures", "exposure_id", "lists of recommendations that were served, seen and clicked, one JSON object per message",
    spread=True,
)  # fmt: skip
PROBE = Topic("cdp.probe", "", "round trips of the health check")

#: First part of the names of Debezium's topics. The second is the schema of the sample shop.
CDC = "cdc"
SHOP_TABLES = (
    "customers", "categories", "products", "carts", "cart_items", "wishlists", "orders", "order_items", "order_status_history",
    "payments", "shipments", "refunds",
)  # fmt: skip
#: Bytes of the largest row of the shop's database that can be sent.
MAX_ROW_BYTES = 8 * 2**20


def name_shop_topic(table: str) -> str:
    return f"{CDC}.shop.{table}"


#: One partition each: Debezium writes with one task, and so the order in the topic is the order of the commits.
SHOP_TOPICS = tuple(
    Topic(
        name_shop_topic(table),
        "primary key",
        f"changes of the shop's table {table}, as Debezium writes them",
        max_bytes=MAX_ROW_BYTES,
    )
    for table in SHOP_TABLES
)
CDC_HEARTBEATS = Topic(f"__debezium-heartbeat.{CDC}", "", "a sign of life of Debezium every few seconds")
CDC_SIGNALS = Topic(f"{CDC}.{CDC}.signals", "", "requests for snapshots, from the shop's table cdc.signals")

TOPICS = (
    EVENTS_RAW, POSITIONS, STREAM_POSITIONS, SEGMENTS_CHANGES, LIVE_REVENUE, LIVE_TOP_PRODUCTS, REC_EXPOSURES, PROBE,
    *SHOP_TOPICS, CDC_HEARTBEATS, CDC_SIGNALS,
)  # fmt: skip


def topic_partitions(settings: Settings, topic: Topic) -> int:
    return settings.kafka_partitions if topic.spread else 1


def topic_config(settings: Settings, topic: Topic) -> dict[str, str]:
    """How long Kafka keeps the topic's records. Kafka's own clock stamps the receipt: a tracker's clock may be years off."""
    config = {"message.timestamp.type": "LogAppendTime"}
    if topic.max_bytes:
        config["max.message.bytes"] = str(topic.max_bytes)
    if topic.keeps_latest:
        return config | {"cleanup.policy": "compact"}
    return config | {"cleanup.policy": "delete", "retention.ms": str(settings.kafka_retention_hours * 3_600_000)}


def topic_arguments(settings: Settings, topic: Topic) -> dict[str, Any]:
    """The arguments of confluent_kafka's NewTopic."""
    return {
        "topic": topic.name,
        "num_partitions": topic_partitions(settings, topic),
        "replication_factor": settings.kafka_replication,
        "config": topic_config(settings, topic),
    }
