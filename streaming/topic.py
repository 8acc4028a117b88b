"""What Kafka says of a topic now: its id, and in each partition the first offset that it still has and the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from cdp.kafka import client_config
from cdp.settings import Settings

KAFKA_SECONDS = 10.0


class TopicAway(RuntimeError):
    """There is nothing to read from."""


@dataclass(frozen=True, slots=True)
class Held:
    """What Kafka has of one partition: from the first offset up to the second. What a reader of committed messages can't see
    yet, because a transaction is open, lies behind the end."""

    low: int
    end: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is deleted and made anew has another id."""

    name: str
    id: str
    partitions: Mapping[int, Held]


def topic_now(settings: Settings, name: str) -> Topic:
    """Spark itself asks Kafka for minutes before it gives up."""
    admin = AdminClient(client_config(settings))
    try:
        told = admin.describe_topics(TopicCollection([name]), request_timeout=KAFKA_SECONDS)[name].result(2 * KAFKA_SECONDS)
        places = [TopicPartition(name, partition.id) for partition in told.partitions]
        low, end = _offsets(admin, places, OffsetSpec.earliest()), _offsets(admin, places, OffsetSpec.latest())
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopicAway(
                f"Kafka at {settings.kafka_bootstrap} has no topic {name}; ./run up kafka makes the declared ones."
            ) from error
        reason = error.args[0].str()
        raise TopicAway(f"Kafka at {settings.kafka_bootstrap} does not answer: {reason}; start it: ./run up kafka") from error
    return Topic(name, str(told.topic_id), {number: Held(low[number], end[number]) for number in sorted(low)})


def _offsets(admin: AdminClient, places: list[TopicPartition], which: OffsetSpec) -> dict[int, int]:
    asked = admin.list_offsets(
        dict.fromkeys(places, which), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=KAFKA_SECONDS
    )
    return {place.partition: int(answer.result(2 * KAFKA_SECONDS).offset) for place, answer in asked.items()}
