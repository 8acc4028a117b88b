"""Counts the committed messages that lie in Kafka: an offset may be the mark of a transaction, so a difference is no count."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cdp.kafka import client_config
from cdp.settings import Settings
from streaming.ledger.sums import Recount
from streaming.topic import TopicAway

A_TIME = 10_000
#: For each ten thousand messages.
KAFKA_SECONDS = 30.0


class Tally:
    """Counts messages into stretches. A stretch is known when an offset at or after its end was seen, or the partition's end."""

    def __init__(self, parts: Sequence[Recount]) -> None:
        self.parts = parts
        self.counts = [0] * len(parts)
        self.begins: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        for part in parts:
            self.begins[part.partition] = min(part.start, self.begins.get(part.partition, part.start))
            self.ends[part.partition] = max(part.end, self.ends.get(part.partition, part.end))
        self.open = {number for number, end in self.ends.items() if end > self.begins[number]}

    def take(self, partition: int, offset: int) -> None:
        for place, part in enumerate(self.parts):
            if part.partition == partition and part.start <= offset < part.end:
                self.counts[place] += 1
        # The last message may lie before the end of a stretch, and more may follow after it.
        if offset + 1 >= self.ends[partition]:
            self.open.discard(partition)

    def counted(self) -> list[Recount]:
        return [replace(part, in_kafka=count) for part, count in zip(self.parts, self.counts, strict=True)]


def recount(settings: Settings, topic: str, parts: Sequence[Recount]) -> list[Recount]:
    """Reads from the first stretch of each partition to the end of its last."""
    tally = Tally(parts)
    try:
        with Consumer(client_config(settings) | OWN) as consumer:
            consumer.assign([TopicPartition(topic, number, tally.begins[number]) for number in sorted(tally.open)])
            while tally.open:
                _read(consumer, tally, settings)
    except KafkaException as error:
        reason = error.args[0].str()
        raise TopicAway(f"{topic} can't be read from Kafka at {settings.kafka_bootstrap}: {reason}; the same again.") from error
    return tally.counted()


OWN: dict[str, str | int | float | bool] = {
    "group.id": "streaming.recount",  # asked for by the client; nothing is committed under it
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    # What leaves Kafka meanwhile must not be passed over.
    "auto.offset.reset": "error",
}


def _read(consumer: Consumer, tally: Tally, settings: Settings) -> None:
    since = time.monotonic()
    while not (messages := consumer.consume(A_TIME, timeout=0.3)):
        if time.monotonic() - since > KAFKA_SECONDS:
            raise TopicAway(f"Kafka at {settings.kafka_bootstrap} has not answered for {KAFKA_SECONDS:.0f} s; see ./run status.")
    for message in messages:
        _note(message, tally)


def _note(message: Message, tally: Tally) -> None:
    error, partition = message.error(), message.partition() or 0
    if error is None:
        tally.take(partition, message.offset() or 0)
    elif error.code() == KafkaError._PARTITION_EOF:
        tally.open.discard(partition)
    else:
        raise KafkaException(error)
