"""The messages of the stream's benchmarks: a generated history in which some messages are harder to read than the others.

A harder message has nulls, unknown fields, escapes, long whole numbers or a price as a JSON number. It is an event, or is refused
for the same reason, as before the change. The same seed gives the same messages.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import orjson
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.history import make_history, read_pages
from cdp.events import EVENTS_RAW, FIELD_NAMES
from cdp.events.topics import topic_arguments
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.stack.stack import Stack
from source_server.intake import mapping_for, store
from source_server.produce.page_writer import read_key

SEED = 24
#: Of the messages, this share is harder.
HARD_SHARE = 0.2
KAFKA_SECONDS = 60.0
PRICE = re.compile(r"\d{1,9}\.\d\d")
BRANDS = ("L'Or\u00e9al", "H\u00e4agen-Dazs", "\u0141ukasz \U0001f600", 'tab\there "quoted"', "Vi\u1ec7t Ti\u1ebfn", "a/b\\c")
COLORS = ("red", "green", "d\u00e9grad\u00e9", "black")

Event = dict[str, Any]


def add_nulls(event: Event, rng: Random) -> None:
    """Nulls for some of the absent fields."""
    absent = [name for name in FIELD_NAMES if name not in event]
    event.update(dict.fromkeys(rng.sample(absent, min(len(absent), rng.randint(1, 4)))))


def add_unknown_fields(event: Event, rng: Random) -> None:
    fields = {"color": rng.choice(COLORS), "page": f"/p/{rng.randrange(10**6)}", "in_stock": rng.random() < 0.9, "position": 3}
    event.update((name, fields[name]) for name in rng.sample(sorted(fields), rng.randint(1, len(fields))))


def add_nested_field(event: Event, rng: Random) -> None:
    event["device"] = {"os": rng.choice(("ios", "android")), "screen": [1080, rng.choice((1920, 2400))], "app": {"beta": False}}


def add_escapes(event: Event, rng: Random) -> None:
    """A brand with accents, quotes or an emoji, which JSON writes as escapes. A brand that is too long stays too long."""
    event["brand"] = f"{rng.choice(BRANDS)} {event.get('brand') or ''}"


def write_long_ids_as_numbers(event: Event, rng: Random) -> None:
    """Numbers of 19 digits and of 21: the first fit into 64 bits, the second do not."""
    event["category_id"] = 2_053_013_550_000_000_000 + rng.randrange(10**9)
    if (event.get("product_id") or "").isdecimal():
        event["product_id"] = rng.choice((1, 100)) * 10**18 + int(event["product_id"])


def write_price_as_number(event: Event, rng: Random) -> None:
    """The next 64-bit float, as a tracker computes it: 130.76 becomes 130.76000000000002. A wrong price becomes a wrong text."""
    price = event.get("price")
    if isinstance(price, str) and PRICE.fullmatch(price):
        event["price"] = math.nextafter(float(price), math.inf)
    else:
        add_nulls(event, rng)


CHANGES: tuple[Callable[[Event, Random], None], ...] = (
    add_nulls,
    add_unknown_fields,
    add_nested_field,
    add_escapes,
    write_long_ids_as_numbers,
    write_price_as_number,
)


def make_harder(line: bytes, rng: Random) -> bytes:
    """One to three changes. A line that is no JSON object stays as it is."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if not isinstance(event, dict):
        return line
    for change in rng.sample(CHANGES, rng.choice((1, 1, 1, 2, 3))):
        change(event, rng)
    return json.dumps(event, separators=(",", ":")).encode()


def make_share_harder(lines: Sequence[bytes], share: float, rng: Random) -> list[bytes]:
    return [make_harder(line, rng) if rng.random() < share else line for line in lines]


def make_messages(stack: Stack, events: int, hard_share: float) -> Iterator[list[bytes]]:
    """The messages of a history of about so many events, by page; this share of them is harder."""
    path = stack.state / "bench.parquet"
    make_history(path, events)
    dataset = store.add(stack.settings, path, mapping_for(None))
    rng = Random(SEED)
    for page in read_pages(stack.settings, dataset):
        lines = page.body.split(b"\n")[:-1]
        yield make_share_harder(lines, hard_share, rng)


class MessageSender:
    """Sends messages to a topic as the source's producer does: by customer, compressed, a page in one transaction."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._topic, self._errors = topic, list[str]()
        config = {"transactional.id": f"bench-{topic}", "compression.type": "zstd", "compression.level": 1, "linger.ms": 20}
        config |= {"batch.size": 1_000_000, "partitioner": "murmur2_random", "queue.buffering.max.messages": 200_000}
        self._producer = Producer(client_config(settings) | config, on_delivery=self._note_failure)
        self._producer.init_transactions(KAFKA_SECONDS)

    def send(self, lines: Sequence[bytes]) -> None:
        self._producer.begin_transaction()
        for line in lines:
            self._producer.produce(self._topic, line, read_key(line))
        self._producer.commit_transaction(KAFKA_SECONDS)
        if self._errors:
            raise RuntimeError(f"{self._topic} did not take a message: {self._errors[0]}")

    def _note_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._errors.append(error.str())


def create_topic(settings: Settings, name: str) -> None:
    """Create a topic like the one of the events."""
    admin = AdminClient(client_config(settings))  # keep a reference: without the client the answer never comes
    topic = NewTopic(**topic_arguments(settings, replace(EVENTS_RAW, name=name)))
    admin.create_topics([topic])[name].result(KAFKA_SECONDS)
