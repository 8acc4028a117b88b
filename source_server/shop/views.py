"""Sends what the shop's pages would report to the topic of events: views, carts and removals. Orders are not among them, because
they are rows of the database."""

from __future__ import annotations

import json
from collections.abc import Sequence

from confluent_kafka import KafkaException, Producer

from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.shop.changes import Event
from source_server.shop.database import ShopError

FLUSH_SECONDS = 30


class EventSender:
    """A producer of contract events, keyed by customer."""

    def __init__(self, settings: Settings) -> None:
        self._where = settings.kafka_bootstrap
        self._failures: list[str] = []
        self._producer = Producer(client_config(settings) | {"enable.idempotence": True, "linger.ms": 20})

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            value, key = json.dumps(event, ensure_ascii=False).encode(), event["user_id"].encode()
            try:
                self._producer.produce(EVENTS_RAW.name, value, key, on_delivery=self._note)
            except BufferError:
                self._producer.flush(FLUSH_SECONDS)
                self._producer.produce(EVENTS_RAW.name, value, key, on_delivery=self._note)
            except KafkaException as error:
                raise ShopError(f"Kafka at {self._where} refuses events: {error.args[0].str()}") from error
        self._producer.poll(0)
        self._check()

    def finish(self) -> None:
        """Return when Kafka has everything."""
        left = self._producer.flush(FLUSH_SECONDS)
        self._check()
        if left:
            raise ShopError(f"Kafka at {self._where} has not taken {left:,} events; see ./run status kafka")

    def _note(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(str(error))

    def _check(self) -> None:
        if self._failures:
            raise ShopError(f"Kafka at {self._where} has not taken {len(self._failures):,} events: {self._failures[0]}")
