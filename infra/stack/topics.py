"""./run topic: the topics of the broker with their offsets, and the last messages of one of them."""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from rich.console import Console
from rich.table import Table

from cdp.errors import did_you_mean
from cdp.events import TOPICS
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.stack.messages import format_json, format_message
from infra.stack.stack import StackError
from infra.stack.status import format_age

SECONDS = 20.0
POLL_SECONDS = 0.2
#: If a partition has fewer messages than its offsets promise, it is read again from this many times further back.
WIDER = 8
_ABOUT = {topic.name: topic.about for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """A topic on the broker: the first offset and the one after the last of each partition, and the time of the last message."""

    name: str
    about: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    newest_ms: int | None

    @property
    def offsets(self) -> int:
        return sum(self.ends) - sum(self.starts)


@contextmanager
def explain_failure(settings: Settings) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        reason = error.args[0].str()
        raise StackError(f"Kafka at {settings.kafka_bootstrap} does not answer: {reason}. See ./run status kafka") from error


def list_topics(settings: Settings) -> list[TopicOffsets]:
    """The topics by name, without Kafka's own."""
    admin = AdminClient(client_config(settings))
    topics = admin.list_topics(timeout=SECONDS).topics
    partitions = {name: sorted(topics[name].partitions) for name in sorted(topics) if not _is_internal(name)}
    places = [TopicPartition(name, number) for name, numbers in partitions.items() for number in numbers]
    starts = _list_offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    ends = _list_offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    newest = _list_offsets(admin, places, OffsetSpec.max_timestamp())  # type: ignore[no-untyped-call]
    return [
        TopicOffsets(
            name,
            _ABOUT.get(name, ""),
            tuple(starts[name, number].offset for number in numbers),
            tuple(ends[name, number].offset for number in numbers),
            max((time for number in numbers if (time := newest[name, number].timestamp) >= 0), default=None),
        )
        for name, numbers in partitions.items()
    ]


def _is_internal(name: str) -> bool:
    return name.startswith("__") and name not in _ABOUT


def _list_offsets(admin: AdminClient, places: Sequence[TopicPartition], which: OffsetSpec) -> Mapping[tuple[str, int], Any]:
    answers = admin.list_offsets(dict.fromkeys(places, which), request_timeout=SECONDS)
    return {(place.topic, place.partition): answer.result() for place, answer in answers.items()}


def show_topics(settings: Settings, as_json: bool) -> int:
    topics = list_topics(settings)
    if as_json:
        for topic in topics:
            print(json.dumps(asdict(topic)))
    else:
        _show_grid(topics)
    return 0


def show_messages(settings: Settings, arguments: argparse.Namespace) -> int:
    reader = TopicReader(settings, arguments.name)
    format_one = format_json if arguments.json else partial(format_message, raw=arguments.raw)
    messages = reader.read_last(arguments.lines)
    for message in messages:
        print(format_one(message))
    if not (messages or arguments.json or arguments.follow):
        print(f"{arguments.name} has no messages")
    with suppress(KeyboardInterrupt):
        for message in reader.follow() if arguments.follow else ():
            print(format_one(message), flush=True)
    return 0


def _show_grid(topics: Sequence[TopicOffsets]) -> None:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("topic", "partitions", "first offset", "end", "offsets in use", "newest", "what it is"):
        left = column in ("topic", "what it is")
        grid.add_column(column, justify="left" if left else "right", no_wrap=column == "topic", overflow="fold")
    for topic in topics:
        age = "" if topic.newest_ms is None else format_age(max(0, round(time.time() - topic.newest_ms / 1000)))
        ends = (f"{min(topic.starts, default=0):,}", f"{max(topic.ends, default=0):,}")
        grid.add_row(topic.name, f"{len(topic.ends)}", *ends, f"{topic.offsets:,}", age, topic.about)
    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    console.print(grid)
    console.print("\nTransactions take offsets too, so a topic may have fewer messages than offsets in use.")


class TopicReader:
    """Reads the committed messages of one topic: the last ones, then those that arrive."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._name = name
        self._consumer = Consumer(client_config(settings) | _READER)
        topic = self._consumer.list_topics(name, timeout=SECONDS).topics[name]
        if topic.error is not None:
            names = [each for each in self._consumer.list_topics(timeout=SECONDS).topics if not _is_internal(each)]
            raise StackError(f"{name!r} is not a topic; {did_you_mean(name, names, './run topic lists them all.')}")
        self._partitions = sorted(topic.partitions)

    def read_last(self, count: int) -> list[Message]:
        """The last messages of all partitions together, in the order of their time."""
        kept: list[Message] = []
        following: list[TopicPartition] = []
        for number in self._partitions:
            messages, next_offset = self._read_partition(number, count)
            kept += messages
            following.append(TopicPartition(self._name, number, next_offset))
        self._consumer.assign(following)
        return sorted(kept, key=_time_key)[-count:] if count else []

    def _read_partition(self, number: int, count: int) -> tuple[list[Message], int]:
        """The last messages of a partition and the offset after them. Offsets have holes: the ends of transactions, messages
        that were rolled back, and what a compaction removed."""
        first, end = self._consumer.get_watermark_offsets(TopicPartition(self._name, number), SECONDS)
        span = count
        while (start := max(first, end - span)) < end:
            kept, next_offset = self._read_range(number, start, end, count)
            if len(kept) == count or start == first:
                return kept, next_offset
            span *= WIDER
        return [], end

    def _read_range(self, number: int, start: int, end: int, count: int) -> tuple[list[Message], int]:
        self._consumer.assign([TopicPartition(self._name, number, start)])
        kept: deque[Message] = deque(maxlen=count)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            message = self._consumer.poll(POLL_SECONDS)
            if message is None:
                continue
            offset = message.offset() or 0
            if _is_end(message):
                return list(kept), offset
            kept.append(message)
            if offset >= end - 1:
                return list(kept), offset + 1
            deadline = time.monotonic() + SECONDS
        raise StackError(f"partition {number} of {self._name} did not answer within {SECONDS:.0f} s. See ./run status kafka")

    def follow(self) -> Iterator[Message]:
        """The messages that arrive after the last ones that were read, without end."""
        while True:
            message = self._consumer.poll(POLL_SECONDS)
            if message is not None and not _is_end(message):
                yield message


#: The client requires a group; nothing is committed under it.
_READER = {
    "group.id": "cdp-topic",
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 100,  # the next partition is read only after the broker has answered the last fetch
}


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return True


def _time_key(message: Message) -> tuple[int, int, int]:
    return message.timestamp()[1], message.partition() or 0, message.offset() or 0
