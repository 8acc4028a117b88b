"""A hand-written consumer with the same windows in memory: python -m benchmarks.live_by_hand TOPIC

It reads with confluent-kafka and orjson, checks an event by the contract as benchmarks/stream_by_hand.py does, drops repeated and
late ones, and adds it to the sums of its minute, product, customer, order and interests. Once a second it computes the windows of
1, 5 and 60 minutes with what sells in them. What it leaves out: it stores nothing, so a crash loses all of it.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from benchmarks.stream_by_hand import FETCH_BYTES, MESSAGES_AT_A_TIME, QUEUED_MESSAGES, InvalidMessage, parse_event
from cdp.interests import STRENGTHS
from cdp.kafka import client_config
from cdp.mart.live_windows import LENGTHS
from cdp.settings import current

LATE = timedelta(minutes=10)
KEPT = timedelta(hours=3)
LISTED = 10
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
Sums = defaultdict[Any, Counter[Any]]


@dataclass(slots=True)
class Memory:
    """All that the consumer knows."""

    minutes: Sums = field(default_factory=lambda: defaultdict(Counter))
    products: Sums = field(default_factory=lambda: defaultdict(Counter))
    customers: defaultdict[datetime, set[str]] = field(default_factory=lambda: defaultdict(set))
    interests: Sums = field(default_factory=lambda: defaultdict(Counter))
    orders: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    ids: dict[datetime, set[tuple[str, str]]] = field(default_factory=dict)
    newest: datetime = EARLIEST

    def add(self, event: dict[str, Any]) -> None:
        moment, kind, customer = event["event_time"], event["event_type"], event["user_id"]
        minute = moment.replace(second=0, microsecond=0)
        if moment <= self.newest - LATE or not self._is_new(minute, (event["event_id"], customer)):
            return
        self.newest = max(self.newest, moment)
        cents = int(event["price"] * event["quantity"] * 100) if kind in ("purchase", "refund") else 0
        product = (minute, event["product_id"], event.get("category_code"), event.get("brand"))
        for sums in (self.minutes[minute], self.products[product]):
            sums[kind] += 1
            sums[f"cents {kind}"] += cents
            sums[f"units {kind}"] += event["quantity"]
        self.customers[minute].add(customer)
        self.interests[minute, customer][product[1:]] += STRENGTHS[kind]
        if kind == "purchase":
            order = self.orders.setdefault((event["order_id"], customer), [moment, 0, 0, set()])
            order[0] = min(order[0], moment)
            order[1] += 1
            order[2] += cents
            order[3].add(event["product_id"])

    def _is_new(self, minute: datetime, key: tuple[str, str]) -> bool:
        ids = self.ids.setdefault(minute, set())
        if key in ids:
            return False
        ids.add(key)
        return True

    def compute_windows(self) -> list[Any]:
        end = self.newest.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return [self._compute(end - timedelta(minutes=length * before), length) for length in LENGTHS for before in (0, 1)]

    def _compute(self, end: datetime, length: int) -> Any:
        minutes = {end - timedelta(minutes=number) for number in range(1, length + 1)}
        sums: Counter[Any] = sum((self.minutes[minute] for minute in minutes if minute in self.minutes), Counter())
        visitors = set().union(*(self.customers[minute] for minute in minutes if minute in self.customers))
        return sums, len(visitors), self._rank(minutes)

    def _rank(self, minutes: Iterable[datetime]) -> list[Any]:
        units: Counter[str] = Counter()
        for (minute, product, *_), sums in self.products.items():
            if minute in minutes:
                units[product] += sums["units purchase"]
        return units.most_common(LISTED)

    def forget(self) -> None:
        for minute in [each for each in self.ids if each <= self.newest - 2 * LATE]:
            del self.ids[minute]
        for minute in [each for each in self.customers if each <= self.newest - KEPT]:
            del self.customers[minute]


def main(topic: str) -> None:
    settings, stop, memory = current(), threading.Event(), Memory()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = {"group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed"}
    config |= {"fetch.message.max.bytes": FETCH_BYTES, "queued.min.messages": QUEUED_MESSAGES}
    consumer = Consumer(client_config(settings) | config)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(settings.kafka_partitions)])
    print("ready", flush=True)
    received, started = 0, time.monotonic()
    while not stop.is_set():
        latest = datetime.now(UTC) + timedelta(minutes=1)
        for message in consumer.consume(MESSAGES_AT_A_TIME, timeout=0.05):
            received += 1
            try:
                memory.add(parse_event(message.value() or b"", latest))
            except InvalidMessage:
                continue
        if received and time.monotonic() - started >= 1:
            memory.compute_windows()
            memory.forget()
            milliseconds = round((time.monotonic() - started) * 1000)
            print(json.dumps({"received": received, "milliseconds": milliseconds}), flush=True)
            received, started = 0, time.monotonic()
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1])
