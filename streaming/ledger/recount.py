"""Counts the committed messages in Kafka. Offsets can't be subtracted: some are the marks of transactions, not messages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cdp.kafka import client_config
from cdp.settings import Settings
from streaming.ledger.sums import RecountedRange
from streaming.topic import TopicUnavailable

MESSAGES_PER_READ = 10_000
#: The longest wait for the next messages.
KAFKA_SECONDS = 30.0


class Tally:
    """Counts the messages of offset ranges. A range is complete when its end or the partition's end was reached."""

    def __init__(self, parts: Sequence[RecountedRange]) -> None:
        self.parts = parts
        self.counts = [0] * len(parts)
        self.begins: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        for part in parts:
            self.begins[part.partition] = min(part.start, self.begins.get(part.partition, part.start))
            self.ends[part.partition] = max(part.end, self.ends.get(part.partition, part.end))
        self.open = {number for number, end in self.ends.items() if end > self.begins[number]}

    def add(self, partition: int, offset: int) -> None:
        for index, part in enumerate(self.parts):
            if part.partition == partition and part.start <= offset < part.end:
                self.counts[index] += 1
        # A range may end in marks of transactions, so its last message may come before its end.
        if offset + 1 >= self.ends[partition]:
            self.open.discard(partition)

    def make_recounts(self) -> list[RecountedRange]:
        return [replace(part, in_kafka=count) for part, count in zip(self.parts, self.counts, strict=True)]


def recount(settings: Settings, topic: str, parts: Sequence[RecountedRange]) -> list[RecountedRange]:
    """Read each partition from the start of its first range to the end of its last."""
    tally = Tally(parts)
    try:
        with Consumer(client_config(settings) | CONSUMER_CONFIG) as consumer:
            consumer.assign([TopicPartition(topic, number, tally.begins[number]) for number in sorted(tally.open)])
            while tally.open:
                _read(consumer, tally, settings)
    except KafkaException as error:
        reason = error.args[0].str()
        raise TopicUnavailable(
            f"{topic} can't be read from Kafka at {settings.kafka_bootstrap}: {reason}; run the same command again."
        ) from error
    return tally.make_recounts()


CONSUMER_CONFIG: dict[str, str | int | float | bool] = {
    "group.id": "streaming.recount",  # the client requires one; nothing is committed under it
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    # Messages that leave Kafka meanwhile must cause an error, not be skipped.
    "auto.offset.reset": "error",
}


def _read(consumer: Consumer, tally: Tally, settings: Settings) -> None:
    started = time.monotonic()
    while not (messages := consumer.consume(MESSAGES_PER_READ, timeout=0.3)):
        if time.monotonic() - started > KAFKA_SECONDS:
            raise TopicUnavailable(
                f"Kafka at {settings.kafka_bootstrap} has not answered for {KAFKA_SECONDS:.0f} s; see ./run status."
            )
    for message in messages:
        _add(message, tally)


def _add(message: Message, tally: Tally) -> None:
    error, partition = message.error(), message.partition() or 0
    if error is None:
        tally.add(partition, message.offset() or 0)
    elif error.code() == KafkaError._PARTITION_EOF:
        tally.open.discard(partition)
    else:
        raise KafkaException(error)
