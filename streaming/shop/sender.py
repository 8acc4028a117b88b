"""Sends the events of the table shop.sent to events.raw, once: events and the position after them are one Kafka transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from psycopg2.extensions import cursor as Cursor

from cdp.events.topics import EVENTS_RAW, STREAM_POSITIONS
from cdp.kafka import client_config
from cdp.mart.shop import READING, SENT
from cdp.programs import SHOP_STREAM
from cdp.settings import Settings
from streaming.lock import LockedConnection
from streaming.topic import TopicUnavailable

SECONDS = 30.0
#: A restarted stream ends the transaction of a killed one at once; after this time, Kafka does.
TRANSACTION_MS = 20_000
MOST_MESSAGES = 200_000  # in the client's queue
_STREAMS = f"SELECT stream, max(batch) FROM {READING.full_name} GROUP BY 1"
_FIRST = f"SELECT min(batch) FROM {SENT.full_name} WHERE stream = %s"
_UNSENT = f"SELECT batch, event->>'user_id', event::text FROM {SENT.full_name} WHERE batch > %s ORDER BY batch, event_id"


#: A stream's id -> its last batch whose events are in Kafka.
SentPositions = Mapping[str, int]


class EventSender:
    """The only producer of these events. Opening it fences off an older one and aborts its open transaction."""

    def __init__(self, settings: Settings, connection: LockedConnection, stream: str) -> None:
        self._where = settings.kafka_bootstrap
        self._connection = connection
        self._stream = stream
        self._error = ""
        try:
            self._producer = Producer(client_config(settings) | _PRODUCER_CONFIG, on_delivery=self._note_failure)
            self._producer.init_transactions(SECONDS)
        except KafkaException as error:
            raise self._explain(error) from error
        positions = read_sent_positions(settings)
        self._batch = connection.read(partial(find_last_sent, positions=positions, stream=stream))

    def send(self) -> int:
        """Send all events that are not in Kafka yet. Returns their number."""
        events = self._connection.read(self._read_unsent)
        if not events:
            return 0
        try:
            self._send(events)
        except KafkaException as error:
            raise self._explain(error) from error
        self._batch = events[-1][0]
        return len(events)

    def _read_unsent(self, cursor: Cursor) -> Sequence[tuple[int, str, str]]:
        cursor.execute(_UNSENT, [self._batch])
        return cursor.fetchall()

    def _send(self, events: Sequence[tuple[int, str, str]]) -> None:
        self._producer.begin_transaction()
        for _, user, event in events:
            self._produce(EVENTS_RAW.name, event, user)
        self._produce(STREAM_POSITIONS.name, str(events[-1][0]), self._stream)
        self._producer.commit_transaction(SECONDS)

    def _produce(self, topic: str, value: str | bytes, key: str) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key)
                return
            except BufferError:
                self._producer.poll(1)

    def _note_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._error = self._error or f"{message.topic()}: {error.str()}"

    def _explain(self, error: KafkaException) -> TopicUnavailable:
        reason = self._error or error.args[0].str()
        return TopicUnavailable(f"Kafka at {self._where} has not taken the shop's events: {reason}; see ./run status kafka.")


_PRODUCER_CONFIG: dict[str, str | int | float | bool] = {
    "transactional.id": f"stream-{SHOP_STREAM}",
    "transaction.timeout.ms": TRANSACTION_MS,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 5,
    "delivery.report.only.error": True,
    "partitioner": "murmur2_random",  # as the other producers: the events of a customer stay in one partition
    "queue.buffering.max.messages": MOST_MESSAGES,
}


def find_last_sent(cursor: Cursor, positions: SentPositions, stream: str) -> int:
    """The last batch that was sent, as Postgres numbers the batches. If Kafka has no position of a stream that Postgres knows,
    all events of this stream are unsent, and only they: Postgres is new, or was restored from a backup."""
    cursor.execute(_STREAMS)
    sent = [positions[known] for known, last in cursor.fetchall() if known in positions and positions[known] <= last]
    if sent:
        return max(sent)
    cursor.execute(_FIRST, [stream])
    ((first,),) = cursor.fetchall()
    return first - 1 if first is not None else 0


def read_sent_positions(settings: Settings) -> SentPositions:
    """The newest committed positions. No transaction may be open."""
    deadline = time.monotonic() + SECONDS
    positions: dict[str, int] = {}
    error = None
    with Consumer(client_config(settings) | _CONSUMER_CONFIG) as consumer:
        consumer.assign([TopicPartition(STREAM_POSITIONS.name, 0, 0)])
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            error = message.error() if message is not None else None
            if message is None:
                continue
            if error is None:
                positions[(message.key() or b"").decode()] = int(message.value() or 0)
            elif error.code() == KafkaError._PARTITION_EOF:
                return positions
            else:
                break
    reason = error.str() if error is not None else f"no answer within {SECONDS:.0f} s"
    raise TopicUnavailable(
        f"{STREAM_POSITIONS.name} can't be read from Kafka at {settings.kafka_bootstrap}: {reason}; see ./run up kafka."
    )


_CONSUMER_CONFIG: dict[str, str | int | float | bool] = {
    "group.id": "stream.positions",  # the client requires one; nothing is committed under it
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
}
