"""Reads the topic and feeds both stores. Each store knows how far it has come, so that each gets every message once, wherever
the program was killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka import Message as KafkaMessage

from cdp.kafka import client_config
from cdp.programs import EXPOSURES_STREAM
from cdp.settings import Settings
from streaming.exposures.rows import Message, read_message
from streaming.messages import OffsetRange, Topic
from streaming.resume import CannotResume, describe_lost
from streaming.topic import read_topic

#: Most messages that Kafka's client gives at a time, and that wait in memory for a store.
MOST_READ, MOST_WAITING = 5_000, 50_000
POLL_SECONDS = 1.0
CHECK_SECONDS = 60.0


class TopicChanged(RuntimeError):
    """The topic was made again, or it has more partitions. A new start reads it from where it must."""


class Sink(Protocol):
    """A store. `position` has the offset of the next message of each partition; a partition that is not in it begins at 0."""

    seconds: float  # between two writes
    position: dict[int, int]

    def write(self, messages: Sequence[Message]) -> None: ...


@dataclass(slots=True)
class Buffer:
    """Messages that wait to be written to a store."""

    sink: Sink
    messages: list[Message] = field(default_factory=list)
    written: float = field(default_factory=time.monotonic)

    def add(self, messages: Sequence[Message]) -> None:
        self.messages += [each for each in messages if each.offset >= self.sink.position.get(each.partition, 0)]

    def write(self, now: bool) -> None:
        """If it is time, there are many messages, or it must be now."""
        is_due = time.monotonic() - self.written >= self.sink.seconds or len(self.messages) >= MOST_WAITING
        if self.messages and (now or is_due):
            self.sink.write(self.messages)
            self.messages = []
        if is_due:
            self.written = time.monotonic()


@dataclass(slots=True)
class Reader:
    """One run. With `once` it ends at the end of the topic."""

    settings: Settings
    topic: Topic
    sinks: Sequence[Sink]
    stop: threading.Event
    print_line: Callable[[str], None]
    received: int = 0
    checked: float = field(default_factory=time.monotonic)

    def run(self, once: bool) -> int:
        """Returns how many messages it read. What was read is written before it ends."""
        start, buffers, ended = self._find_start(), [Buffer(sink) for sink in self.sinks], set[int]()
        with Consumer(client_config(self.settings) | _CONFIG) as consumer:
            consumer.assign([TopicPartition(self.topic.name, number, offset) for number, offset in start.items()])
            is_over = False
            while not is_over:
                messages = self._take(consumer.consume(MOST_READ, POLL_SECONDS), ended)
                is_over = self.stop.is_set() or (once and len(ended) == len(start))
                for buffer in buffers:
                    buffer.add(messages)
                    buffer.write(now=is_over)
                self._require_same_topic()
        return self.received

    def _find_start(self) -> dict[int, int]:
        """Where the store that is furthest behind goes on."""
        start, lost = {}, []
        for number, kept in self.topic.partitions.items():
            offsets = [sink.position.get(number, 0) for sink in self.sinks]
            if max(offsets) > kept.end:
                raise CannotResume(
                    f"partition {number} of {self.topic.name} ends at offset {kept.end:,} but was read up to {max(offsets):,}."
                    " Delete the topic and run ./run up kafka: a new topic is read from its beginning."
                )
            if min(offsets) < kept.start:
                lost.append(OffsetRange(self.topic.name, number, min(offsets), kept.start))
            start[number] = max(min(offsets), kept.start)
        if lost:
            self.print_line(f"lost before it was read: {describe_lost(lost)}")
        return start

    def _take(self, taken: Sequence[KafkaMessage], ended: set[int]) -> list[Message]:
        messages = []
        for each in taken:
            number, offset, error = each.partition(), each.offset(), each.error()
            assert number is not None
            assert offset is not None
            if error is None:
                messages.append(read_message(number, offset, each.value() or b""))
                ended.discard(number)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(number)
            else:
                raise TopicChanged(f"Kafka can't go on with {self.topic.name}: {error.str()}; run the same command again.")
        self.received += len(messages)
        if refusals := [message.refusal for message in messages if message.refusal]:
            self.print_line(f"refused {len(refusals):,} messages; the last one is at {refusals[-1]}")
        return messages

    def _require_same_topic(self) -> None:
        if time.monotonic() - self.checked < CHECK_SECONDS:
            return
        self.checked = time.monotonic()
        now = read_topic(self.settings, self.topic.name)
        if (now.id, now.partitions.keys()) != (self.topic.id, self.topic.partitions.keys()):
            raise TopicChanged(f"the topic {self.topic.name} was changed; run the same command again.")


_CONFIG: dict[str, str | bool] = {
    "group.id": f"cdp {EXPOSURES_STREAM}",  # the client wants a name; the stores have the offsets
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
}
