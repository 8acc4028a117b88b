"""Applies the declared configuration to the topics. Only ./run up creates them (infra/stack/services/kafka.py)."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from cdp.events import TOPICS, Topic
from cdp.events.topics import topic_config
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.produce.kafka import KafkaUnavailable

SECONDS = 30


def update_topics(settings: Settings) -> None:
    """Idempotent. The partitions of a topic are not changed: with more partitions, a customer's next events would go to another
    partition than the earlier ones.
    """
    admin, where = AdminClient(client_config(settings)), settings.kafka_bootstrap
    try:
        existing = admin.list_topics(timeout=SECONDS).topics
        if missing := [topic.name for topic in TOPICS if topic.name not in existing]:
            raise KafkaUnavailable(f"Kafka at {where} has no topic {missing[0]}; create it: ./run up kafka")
        resources = [_make_resource(settings, topic) for topic in TOPICS]
        for answer in admin.incremental_alter_configs(resources, request_timeout=SECONDS).values():
            answer.result()
    except KafkaException as error:
        why = error.args[0].str()
        raise KafkaUnavailable(f"Kafka at {where} does not accept the topics' configuration: {why}; see ./run status.") from error


def _make_resource(settings: Settings, topic: Topic) -> ConfigResource:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in topic_config(settings, topic).items()
    ]
    return ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
