"""A load gives the topics of a broker their declared configuration."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from cdp.events import EVENTS_RAW, TOPICS, Topic
from cdp.events.topics import (
    CDC_HEARTBEATS,
    CDC_SIGNALS,
    POSITIONS,
    SHOP_TABLES,
    SHOP_TOPICS,
    topic_config,
    topic_partitions,
)
from cdp.kafka import client_config
from cdp.settings import Settings, current, load
from source_server.produce import topics
from source_server.produce.kafka import KafkaUnavailable
from source_server.produce.topics import update_topics


def config_of(admin: AdminClient, topic: Topic) -> dict[str, str | None]:
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic.name)], request_timeout=10)
    (answer,) = answers.values()
    return {name: entry.value for name, entry in answer.result().items()}


@pytest.mark.stack("kafka")
def test_topics_get_the_declared_configuration_back() -> None:
    settings = current()
    admin = AdminClient(client_config(settings))
    update_topics(settings)
    off = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, POSITIONS.name, incremental_configs=[off])
    admin.incremental_alter_configs([changed])[changed].result()
    update_topics(settings)
    for topic in TOPICS:
        assert topic_config(settings, topic).items() <= config_of(admin, topic).items()
    there = admin.list_topics(timeout=10).topics
    assert len(there[EVENTS_RAW.name].partitions) == settings.kafka_partitions


@pytest.mark.subprocess
def test_an_absent_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "SECONDS", 1)
    with pytest.raises(KafkaUnavailable, match=r"Kafka at 127\.0\.0\.1:9 .*; see \./run status"):
        update_topics(load({"CDP_KAFKA_BOOTSTRAP": "127.0.0.1:9"}))


class Broker:
    """Knows some topics, and records whose configuration was set."""

    def __init__(self, names: Iterable[str]) -> None:
        self.topics = dict.fromkeys(names)
        self.changed: list[str] = []

    def list_topics(self, **_: object) -> Broker:
        return self

    def incremental_alter_configs(self, resources: list[ConfigResource], **_: object) -> dict[str, Future[None]]:
        self.changed += [resource.name for resource in resources]
        answer: Future[None] = Future()
        answer.set_result(None)
        return dict.fromkeys(self.changed, answer)


def test_existing_topics_are_configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(topic.name for topic in TOPICS)
    monkeypatch.setattr(topics, "AdminClient", lambda _: broker)
    update_topics(settings)
    assert broker.changed == [topic.name for topic in TOPICS]


def test_a_missing_topic_is_named_and_nothing_is_changed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(topic.name for topic in TOPICS if topic != POSITIONS)
    monkeypatch.setattr(topics, "AdminClient", lambda _: broker)
    with pytest.raises(KafkaUnavailable, match=r"has no topic source\.positions; create it: \./run up kafka"):
        update_topics(settings)
    assert broker.changed == []


def test_the_configuration_of_topics(settings: Settings) -> None:
    others = {*SHOP_TOPICS, CDC_HEARTBEATS, CDC_SIGNALS}
    assert {topic.name: topic_partitions(settings, topic) for topic in TOPICS if topic not in others} == {
        "events.raw": settings.kafka_partitions,
        "source.positions": 1,
        "stream.positions": 1,
        "segments.changes": settings.kafka_partitions,
        "live.revenue": 1,
        "live.top_products": 1,
        "rec.exposures": settings.kafka_partitions,
        "cdp.probe": 1,
    }
    kafkas_clock = {"message.timestamp.type": "LogAppendTime"}
    hours = {"cleanup.policy": "delete", "retention.ms": str(168 * 3_600_000)}
    assert topic_config(settings, EVENTS_RAW) == kafkas_clock | hours
    assert topic_config(settings, POSITIONS) == kafkas_clock | {"cleanup.policy": "compact"}


def test_topics_of_the_shops_tables_have_one_partition_and_take_large_rows(settings: Settings) -> None:
    """With one partition, the order in the topic is the order of the commits."""
    assert {topic_partitions(settings, topic) for topic in SHOP_TOPICS} == {1}
    assert {topic.name for topic in SHOP_TOPICS} == {f"cdc.shop.{table}" for table in SHOP_TABLES}
    for topic in SHOP_TOPICS:
        assert topic_config(settings, topic).items() >= {"cleanup.policy": "delete", "max.message.bytes": "8388608"}.items()
