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


EVENTS_RAW = Topic("events.raw", "user_id", "shop events as received, one JSON object per message", spread=True)
POSITIONS = Topic("source.positions", "data set", "how far each data set has been sent to events.raw", keeps_latest=True)
SEGMENTS_CHANGES = Topic(
    "segments.changes", "customer_id", "who entered and left a segment, one JSON object per message", spread=True
)
PROBE = Topic("cdp.probe", "", "round trips of the health check")

TOPICS = (EVENTS_RAW, POSITIONS, SEGMENTS_CHANGES, PROBE)


def topic_partitions(settings: Settings, topic: Topic) -> int:
    return settings.kafka_partitions if topic.spread else 1


def topic_config(settings: Settings, topic: Topic) -> dict[str, str]:
    """How long Kafka keeps the topic's records. Kafka's own clock stamps the receipt: a tracker's clock may be years off."""
    config = {"message.timestamp.type": "LogAppendTime"}
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
