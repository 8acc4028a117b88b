"""What every Kafka client of the source shares beyond cdp/kafka.py: how long to bear with the brokers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from cdp.settings import Settings

Result = TypeVar("Result")
CALL_SECONDS = 5.0
RETRY_SECONDS = 0.2
#: What a broker that is away, or has just come back, answers.
_PASSING = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
}


class KafkaAway(RuntimeError):
    """Kafka has not answered for as long as was asked to wait."""


class Stopped(Exception):
    """The work was asked to stop while it waited."""


def is_passing(error: KafkaError) -> bool:
    """Whether the same call may well succeed when it is made again; a transaction that has failed never does."""
    if error.txn_requires_abort() or error.fatal():
        return False
    return error.retriable() or error.code() in _PASSING


class Patience:
    """Waits for Kafka: as long as something moves now and then, and nobody asks to stop."""

    def __init__(self, settings: Settings, seconds: float, stop: threading.Event) -> None:
        self._where = settings.kafka_bootstrap
        self._seconds = seconds
        self._stop = stop
        self.renew()

    def renew(self) -> None:
        """Something moved: the wait begins anew."""
        self._since = time.monotonic()

    def check(self) -> None:
        if self._stop.is_set():
            raise Stopped
        if time.monotonic() - self._since > self._seconds:
            waited = f"Kafka at {self._where} has not answered for {self._seconds:.0f} s"
            raise KafkaAway(f"{waited}; see ./run status, then run the same again.")

    def pause(self, seconds: float) -> None:
        """Wait, but wake up for a stop. Time spent so is not Kafka's."""
        if self._stop.wait(seconds):
            raise Stopped

    def until_done(self, call: Callable[[float], Result]) -> Result:
        """Call, and call again while Kafka says that it may work the next time. A call that works is not broken off."""
        while True:
            try:
                return call(CALL_SECONDS)
            except KafkaException as error:
                if not is_passing(error.args[0]):
                    raise
            self.check()
            self.pause(RETRY_SECONDS)
