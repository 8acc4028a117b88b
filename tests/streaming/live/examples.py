"""Messages for the stream "live", as Kafka delivers them, and events in any order with repetitions."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from cdp.events.reading import MESSAGES_SCHEMA
from tests.streaming.conftest import value_of

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sent:
    """An event, and when Kafka received it."""

    event: dict[str, Any]
    received: datetime

    @property
    def value(self) -> bytes:
        value = value_of(self.event)
        assert value is not None
        return bytes(value)


def send(minute: float, event_id: str, received: float | None = None, start: datetime = NOON, **fields: Any) -> Sent:
    """An event of so many minutes after the start, received at once or at another minute."""
    event = {"event_time": (start + timedelta(minutes=minute)).isoformat(), "event_id": event_id, **fields}
    return Sent(event, start + timedelta(minutes=minute if received is None else received))


def make_messages(sent: Iterable[Sent], first_offset: int = 0, partition: int = 0) -> pa.RecordBatch:
    rows = [
        {"value": each.value, "topic": "events.raw", "partition": partition, "offset": offset, "timestamp": each.received}
        for offset, each in enumerate(sent, start=first_offset)
    ]
    return pa.RecordBatch.from_pylist(rows, MESSAGES_SCHEMA)


def make_visits(rng: random.Random, count: int, start: datetime = NOON) -> list[Sent]:
    """Forty minutes of visits: all types of events, orders with lines minutes apart, repetitions, refunds, products without a
    category; and messages that no window counts."""
    sent = []
    for number in range(count):
        received = 40 * number / count
        minute = received - rng.choice((0, 0, 0, 3 * rng.random()))
        sent.append(send(minute, f"e{number}", received=received, start=start, **_make_fields(rng, number)))
        if rng.random() < 0.1:
            sent.append(rng.choice(sent[-5:]))
        if rng.random() < 0.05:
            sent.append(rng.choice(_left_out(number, minute, start)))
    return sent


def _make_fields(rng: random.Random, number: int) -> dict[str, Any]:
    product = rng.randrange(8)
    return {
        "event_type": rng.choice(("view", "view", "view", "cart", "cart", "remove_from_cart", "purchase", "purchase", "refund")),
        "product_id": f"p{product}",
        "price": f"{rng.randrange(1, 9999) / 100}",
        "category_code": None if product == 7 else f"c{product % 3}",
        "brand": None if product == 6 else 'é, "x"',
        "user_id": f"u{rng.randrange(6)}",
        "user_session": f"s{rng.randrange(9)}",
        "quantity": str(rng.randrange(1, 4)),
        "order_id": f"o{number // 12}" if rng.random() < 0.5 else None,
    }


def _left_out(number: int, minute: float, start: datetime) -> Sequence[Sent]:
    return (
        send(minute - 24 * 60 - 60, f"old {number}", received=minute, start=start),
        send(minute + 60, f"ahead {number}", received=minute, start=start),
        send(minute, f"refused {number}", start=start, price="cheap"),
    )
