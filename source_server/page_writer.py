"""Writes pages of events into Kafka, each in one transaction with the position after it: both are there, or neither is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.kafka import Patience
from source_server.positions import PLACE, Position, position_record, read_position

#: The page of a writer that was killed holds readers up for so long, and some seconds more until the broker looks; a new
#: writer of the same data set ends it at once. A broker that is away for longer costs the page another try, nothing else.
TRANSACTION_MS = 20_000
MOST_MESSAGES = 200_000  # waiting in the client; a page is never as large


class PageLost(RuntimeError):
    """The page is not in Kafka, or nobody knows; the position that a new writer reads tells which."""


@dataclass(frozen=True, slots=True)
class Written:
    """A page that is in Kafka: a transaction is only committed when every message of it was acknowledged by all replicas."""

    position: Position
    acknowledged: int
    refused: int  # larger than Kafka takes


class PageWriter:
    """The one writer of a data set. Opening it shuts out an older one and takes back what that one had not finished."""

    def __init__(self, settings: Settings, content_id: str, patience: Patience) -> None:
        self._content_id = content_id
        self._patience = patience
        self._trouble = ""
        self._producer = Producer(client_config(settings) | _producer_config(content_id), on_delivery=self._not_delivered)
        patience.until_done(self._producer.init_transactions)
        self.position = read_position(settings, content_id, patience)

    def write(self, lines: list[bytes], position: Position) -> Written:
        """One page, whole. Raises PageLost where it did not come to that."""
        self._trouble = ""
        try:
            self._producer.begin_transaction()
            refused = self._send(lines)
            position = replace(position, refused=position.refused + refused)
            topic, partition = PLACE
            self._producer.produce(topic, position_record(position), self._content_id, partition)
            self._patience.until_done(self._producer.commit_transaction)
        except KafkaException as error:
            raise PageLost(self._trouble or error.args[0].str()) from error
        self.position = position
        self._patience.renew()
        return Written(position, len(lines) - refused, refused)

    def _send(self, lines: list[bytes]) -> int:
        """Hand all lines to the client; how many it refuses, for being larger than Kafka takes."""
        produce, topic, refused = self._producer.produce, EVENTS_RAW.name, 0
        for line in lines:
            try:
                produce(topic, line, key_of(line))
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                refused += 1
        return refused

    def _not_delivered(self, error: KafkaError | None, message: Message) -> None:
        """Told of failures alone; the first is the reason why the transaction can't be committed."""
        if error is not None:
            self._trouble = self._trouble or f"{message.topic()}: {error.str()}"


def key_of(line: bytes) -> bytes | None:
    """The customer, so that one customer's events stay in order; None where the line does not tell."""
    try:
        user_id = orjson.loads(line).get("user_id")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return str(user_id).encode() if type(user_id) in (str, int) and user_id != "" else None


def _producer_config(content_id: str) -> dict[str, str | int | float | bool]:
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
        "partitioner": "murmur2_random",  # as the Java clients do, so that other producers agree on a customer's partition
        "queue.buffering.max.messages": MOST_MESSAGES,
    }
