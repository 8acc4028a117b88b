"""Retrying calls to Kafka: shared by all Kafka clients of the source, beside cdp/kafka.py."""

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
#: Errors of a broker that is away or has just come back.
_TEMPORARY = {
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


class KafkaUnavailable(RuntimeError):
    """Kafka did not answer within the time limit."""


class LoadStopped(Exception):
    """A stop was requested."""


def is_temporary(error: KafkaError) -> bool:
    """Whether the same call may succeed on a retry; a failed transaction never does."""
    if error.txn_requires_abort() or error.fatal():
        return False
    return error.retriable() or error.code() in _TEMPORARY


class Patience:
    """Waits for Kafka while there is some progress and no request to stop."""

    def __init__(self, settings: Settings, seconds: float, stop: threading.Event) -> None:
        self._where = settings.kafka_bootstrap
        self._seconds = seconds
        self._stop = stop
        self.renew()

    def renew(self) -> None:
        """Restart the time limit after progress."""
        self._started = time.monotonic()

    def check(self) -> None:
        if self._stop.is_set():
            raise LoadStopped
        if time.monotonic() - self._started > self._seconds:
            reason = f"Kafka at {self._where} has not answered for {self._seconds:.0f} s"
            raise KafkaUnavailable(f"{reason}; see ./run status, then run the same command again.")

    def pause(self, seconds: float) -> None:
        """Sleep, but wake up for a request to stop."""
        if self._stop.wait(seconds):
            raise LoadStopped

    def until_done(self, call: Callable[[float], Result]) -> Result:
        """Call, and retry after temporary errors. A call that is running is not interrupted."""
        while True:
            try:
                return call(CALL_SECONDS)
            except KafkaException as error:
                if not is_temporary(error.args[0]):
                    raise
            self.check()
            self.pause(RETRY_SECONDS)
