"""Topics on a real broker have the declared configuration, whether the stack or a load created them."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from cdp.events import EVENTS_RAW, TOPICS, Topic
from cdp.events.topics import POSITIONS, topic_config, topic_partitions
from cdp.kafka import client_config
from cdp.settings import Settings, current, load
from source_server.produce.kafka import KafkaUnavailable
from source_server.produce.topics import ensure_topics


def config_of(admin: AdminClient, topic: Topic) -> dict[str, str | None]:
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic.name)], request_timeout=10)
    (answer,) = answers.values()
    return {name: entry.value for name, entry in answer.result().items()}


@pytest.mark.stack("kafka")
def test_topics_are_as_declared_once_or_twice() -> None:
    settings = current()
    admin = AdminClient(client_config(settings))
    ensure_topics(settings)
    off = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, POSITIONS.name, incremental_configs=[off])
    admin.incremental_alter_configs([changed])[changed].result()
    ensure_topics(settings)
    for topic in TOPICS:
        assert topic_config(settings, topic).items() <= config_of(admin, topic).items()
    there = admin.list_topics(timeout=10).topics
    assert len(there[EVENTS_RAW.name].partitions) == settings.kafka_partitions


@pytest.mark.subprocess
def test_an_absent_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("source_server.produce.topics.SECONDS", 1)
    with pytest.raises(KafkaUnavailable, match=r"topics can't be created on Kafka at 127\.0\.0\.1:9: .*; see \./run status"):
        ensure_topics(load({"CDP_KAFKA_BOOTSTRAP": "127.0.0.1:9"}))


def test_the_configuration_of_topics(settings: Settings) -> None:
    assert {topic.name: topic_partitions(settings, topic) for topic in TOPICS} == {
        "events.raw": settings.kafka_partitions,
        "source.positions": 1,
        "cdp.probe": 1,
    }
    kafkas_clock = {"message.timestamp.type": "LogAppendTime"}
    hours = {"cleanup.policy": "delete", "retention.ms": str(168 * 3_600_000)}
    assert topic_config(settings, EVENTS_RAW) == kafkas_clock | hours
    assert topic_config(settings, POSITIONS) == kafkas_clock | {"cleanup.policy": "compact"}
