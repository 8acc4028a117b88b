"""Reads a topic's state from Kafka: its id, and for each partition the first retained offset and the end."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from cdp.kafka import client_config
from cdp.settings import Settings
from streaming.messages import OffsetRange, Topic

KAFKA_SECONDS = 10.0


class TopicUnavailable(RuntimeError):
    """Kafka does not answer or has no such topic."""


def read_topics(settings: Settings, names: Sequence[str]) -> list[Topic]:
    return [read_topic(settings, name) for name in names]


def read_topic(settings: Settings, name: str) -> Topic:
    """Read the topic's state. Fails within seconds; Spark itself retries for minutes before it gives up."""
    admin = AdminClient(client_config(settings))
    try:
        answer = admin.describe_topics(TopicCollection([name]), request_timeout=KAFKA_SECONDS)[name].result(2 * KAFKA_SECONDS)
        partitions = [TopicPartition(name, partition.id) for partition in answer.partitions]
        low, end = (_list_offsets(admin, partitions, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicUnavailable(
                f"Kafka at {settings.kafka_bootstrap} has no topic {name}; create it: ./run up kafka"
            ) from error
        reason = error.args[0].str()
        raise TopicUnavailable(
            f"Kafka at {settings.kafka_bootstrap} does not answer: {reason}; start it: ./run up kafka"
        ) from error
    ranges = {number: OffsetRange(name, number, low[number], end[number]) for number in sorted(low)}
    return Topic(name, str(answer.topic_id), ranges)


def _list_offsets(admin: AdminClient, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
    answers = admin.list_offsets(
        dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=KAFKA_SECONDS
    )
    return {each.partition: int(answer.result(2 * KAFKA_SECONDS).offset) for each, answer in answers.items()}
