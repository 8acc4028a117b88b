"""Sends what was served, seen and clicked to the topic rec.exposures. An answer never waits for Kafka; what can't be sent is
counted."""

from __future__ import annotations

import threading

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from cdp.events.topics import REC_EXPOSURES
from cdp.kafka import client_config
from cdp.recommend.exposures import Exposure
from cdp.settings import Settings
from cdp_web.recommend.api.metrics import EXPOSURES_LOST, EXPOSURES_SENT

#: Messages that wait while Kafka is away, about a minute's worth.
MOST_WAITING = 20_000
FLUSH_SECONDS = 5.0


class ExposureSender:
    def __init__(self, settings: Settings) -> None:
        self.producer = Producer(
            client_config(settings) | {"queue.buffering.max.messages": MOST_WAITING, "linger.ms": 20, "enable.idempotence": True}
        )
        self.stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="exposures", daemon=True).start()

    def _run(self) -> None:
        """Take the answers of Kafka."""
        while not self.stop.is_set():
            self.producer.poll(1.0)

    def send(self, exposure: Exposure) -> None:
        try:
            self.producer.produce(REC_EXPOSURES.name, exposure.to_json(), exposure.exposure_id, on_delivery=_count)
        except (BufferError, KafkaException):
            EXPOSURES_LOST.inc()

    def close(self) -> None:
        self.stop.set()
        if waiting := self.producer.flush(FLUSH_SECONDS):
            print(f"recommend: {waiting} messages of exposures were not sent, because Kafka is away", flush=True)


def _count(error: KafkaError | None, message: Message) -> None:
    (EXPOSURES_SENT if error is None else EXPOSURES_LOST).inc()
