"""Reads a topic's state from Kafka: its id, and for each partition the first retained offset and the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from cdp.kafka import client_config
from cdp.settings import Settings

KAFKA_SECONDS = 10.0


class TopicUnavailable(RuntimeError):
    """Kafka does not answer or has no such topic."""


@dataclass(frozen=True, slots=True)
class RetainedRange:
    """The offsets of one partition that Kafka has: from `low` up to `end`. Messages of an open transaction, which a reader of
    committed messages can't see yet, come after the end."""

    low: int
    end: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is deleted and created again gets a new id."""

    name: str
    id: str
    partitions: Mapping[int, RetainedRange]


def topic_now(settings: Settings, name: str) -> Topic:
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
    return Topic(name, str(answer.topic_id), {number: RetainedRange(low[number], end[number]) for number in sorted(low)})


def _list_offsets(admin: AdminClient, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
    answers = admin.list_offsets(
        dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=KAFKA_SECONDS
    )
    return {each.partition: int(answer.result(2 * KAFKA_SECONDS).offset) for each, answer in answers.items()}
