"""Creates the topics that cdp.events declares, and updates the configuration of existing ones."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from cdp.events import TOPICS, Topic
from cdp.events.topics import topic_arguments, topic_config
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.produce.kafka import KafkaUnavailable

SECONDS = 30


def ensure_topics(settings: Settings) -> None:
    """Idempotent. The partitions of an existing topic are not changed: with more partitions, a customer's next events would go to
    another partition than the earlier ones.
    """
    admin = AdminClient(client_config(settings))
    new_topics = [NewTopic(**topic_arguments(settings, topic)) for topic in TOPICS]
    _wait(settings, admin.create_topics(new_topics, operation_timeout=SECONDS, request_timeout=SECONDS).values())
    resources = [_resource(settings, topic) for topic in TOPICS]
    _wait(settings, admin.incremental_alter_configs(resources, request_timeout=SECONDS).values())


def _wait(settings: Settings, answers: Iterable[Future[Any]]) -> None:
    for answer in answers:
        try:
            answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                where, why = settings.kafka_bootstrap, error.args[0].str()
                raise KafkaUnavailable(f"topics can't be created on Kafka at {where}: {why}; see ./run status.") from error


def _resource(settings: Settings, topic: Topic) -> ConfigResource:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in topic_config(settings, topic).items()
    ]
    return ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
