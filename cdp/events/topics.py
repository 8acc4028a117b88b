"""Kafka topics: name, key, and what their settings come from."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.settings import Settings


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    key: str
    about: str
    spread: bool = False  # over as many partitions as the setting kafka_partitions says; others have one
    keeps_latest: bool = False  # compacted: the latest record of a key stays for good


EVENTS_RAW = Topic("events.raw", "user_id", "shop events as they came, one JSON object a message", spread=True)
POSITIONS = Topic("source.positions", "data set", "how far each data set has been carried into events.raw", keeps_latest=True)
PROBE = Topic("cdp.probe", "", "round trips of the health check")

TOPICS = (EVENTS_RAW, POSITIONS, PROBE)


def topic_partitions(settings: Settings, topic: Topic) -> int:
    return settings.kafka_partitions if topic.spread else 1


def topic_config(settings: Settings, topic: Topic) -> dict[str, str]:
    """What Kafka is told about how long it keeps the topic's records, and whose clock says when one was received: its own,
    since a tracker's may be years off."""
    received = {"message.timestamp.type": "LogAppendTime"}
    if topic.keeps_latest:
        return received | {"cleanup.policy": "compact"}
    return received | {"cleanup.policy": "delete", "retention.ms": str(settings.kafka_retention_hours * 3_600_000)}
