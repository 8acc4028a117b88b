"""Writes pages of events into Kafka, each in one transaction with the position after it: both are committed, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdp.events import EVENTS_RAW, Topic
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.produce.kafka import KafkaUnavailable, Patience
from source_server.produce.positions import PLACE, DatasetPosition, make_position_record, read_position

#: After a writer is killed, readers wait this long (plus a few seconds) for its open transaction to time out; a new writer of the
#: same data set ends it at once. If a broker is away for longer, the page is only sent again.
TRANSACTION_MS = 20_000
MESSAGE_BYTES = 1_000_000  # the client's own limit; topics for larger messages declare theirs
MOST_MESSAGES = 200_000  # in the client's queue; a page is always smaller

KeyAndValue = tuple[bytes | None, bytes | None]


class PageLost(RuntimeError):
    """The page may or may not be in Kafka; the position that a new writer reads shows which."""


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page that is in Kafka: a transaction commits only after all replicas have acknowledged every message."""

    position: DatasetPosition
    acknowledged: int
    refused: int  # too large for Kafka


class PageWriter:
    """The only writer of a data set. Opening it fences off an older writer and aborts its open transaction."""

    def __init__(self, settings: Settings, content_id: str, patience: Patience, topic: Topic | None = None) -> None:
        self._topic = topic or EVENTS_RAW
        self._content_id = content_id
        self._patience = patience
        self._delivery_error = ""
        self._producer = Producer(
            client_config(settings) | _producer_config(content_id, self._topic), on_delivery=self._note_failure
        )
        patience.until_done(self._producer.init_transactions)
        self.position = read_position(settings, content_id, patience)

    def write(self, lines: list[bytes], position: DatasetPosition) -> WrittenPage:
        """Write one complete page of events, or raise PageLost."""
        return self.write_messages([(read_key(line), line) for line in lines], position)

    def write_messages(self, messages: Sequence[KeyAndValue], position: DatasetPosition) -> WrittenPage:
        """Write one complete page, or raise PageLost. An event without a customer has no key; a deleted key has no value."""
        self._delivery_error = ""
        try:
            self._producer.begin_transaction()
            refused = self._send(messages)
            position = replace(position, refused=position.refused + refused)
            topic, partition = PLACE
            self._producer.produce(topic, make_position_record(position), self._content_id, partition)
            self._patience.until_done(self._producer.commit_transaction)
        except KafkaException as error:
            raise PageLost(self._delivery_error or error.args[0].str()) from error
        self.position = position
        self._patience.renew()
        return WrittenPage(position, len(messages) - refused, refused)

    def _send(self, messages: Sequence[KeyAndValue]) -> int:
        """Give all messages to the client. Returns how many it refuses because they are too large for Kafka."""
        produce, topic, refused = self._producer.produce, self._topic.name, 0
        for key, value in messages:
            try:
                produce(topic, value, key)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                refused += 1
        return refused

    def _note_failure(self, error: KafkaError | None, message: Message) -> None:
        """Called for failures only; the first is the reason why the transaction can't be committed."""
        if error is not None:
            self._delivery_error = self._delivery_error or f"{message.topic()}: {error.str()}"


def open_writer(settings: Settings, content_id: str, patience: Patience, topic: Topic | None = None) -> PageWriter:
    try:
        return PageWriter(settings, content_id, patience, topic)
    except KafkaException as error:
        raise KafkaUnavailable(f"Kafka at {settings.kafka_bootstrap} refuses: {error.args[0].str()}") from error


def read_key(line: bytes) -> bytes | None:
    """The customer, so that one customer's events stay in order; None if the line has no readable customer."""
    try:
        user_id = orjson.loads(line).get("user_id")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return str(user_id).encode() if type(user_id) in (str, int) and user_id != "" else None


def _producer_config(content_id: str, topic: Topic) -> dict[str, str | int | float | bool]:
    return {
        "transactional.id": f"source-{content_id}",
        "transaction.timeout.ms": TRANSACTION_MS,
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "zstd",
        "compression.level": 1,
        "linger.ms": 20,
        "batch.size": 1_000_000,
        "delivery.report.only.error": True,
        "partitioner": "murmur2_random",  # the Java clients' default, so that other producers choose the same partition
        "queue.buffering.max.messages": MOST_MESSAGES,
        "message.max.bytes": topic.max_bytes or MESSAGE_BYTES,
    }
