"""Sends events at a steady rate, each with the time at which it is sent.

python -m benchmarks.live_sender TOPIC RATE SECONDS CUSTOMERS

Of twenty events 14 are views, three put a product into the cart, one takes it out, and two are the lines of an order.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, cycle
from random import Random

from confluent_kafka import Producer

from cdp.kafka import client_config
from cdp.settings import current

SEED, PRODUCTS = 25, 2_000
#: A tick is a burst of the events that are due.
TICK = 0.01
_TYPES = ("view",) * 14 + ("cart",) * 3 + ("remove_from_cart", "purchase", "purchase")


def make_events(customers: int, run: str) -> Iterator[tuple[str, str]]:
    """The key of each event, and its JSON but for the time."""
    rng = Random(SEED)
    for number, kind in zip(count(), cycle(_TYPES), strict=False):
        customer, product = f"c{rng.randrange(customers)}", int(PRODUCTS * rng.random() ** 3)
        order = f'"order_id":"{run}-{number // len(_TYPES)}",' if kind == "purchase" else ""
        yield (
            customer,
            (
                f'"event_type":"{kind}","product_id":"p{product}","category_code":"department{product % 12}.shelf{product % 90}",'
                f'"brand":"brand{product % 60}","price":"{product % 300 + 0.99:.2f}","user_id":"{customer}",{order}'
                f'"user_session":"{customer}-s","event_id":"{run}-{number}"}}'
            ),
        )


def send(topic: str, rate: float, seconds: float, customers: int) -> tuple[float, int]:
    """Returns when it began, on the clock that all processes share, and how many events it sent."""
    config = {"linger.ms": 20, "compression.type": "lz4", "queue.buffering.max.messages": 1_000_000}
    producer, events = Producer(client_config(current()) | config), make_events(customers, f"{time.time():.0f}")
    start, sent = time.monotonic(), 0
    while (passed := time.monotonic() - start) < seconds:
        now = datetime.now(UTC).isoformat()
        for _ in range(int(passed * rate) - sent):
            key, rest = next(events)
            producer.produce(topic, f'{{"event_time":"{now}",{rest}', key)
            sent += 1
        producer.poll(0)
        time.sleep(TICK)
    if producer.flush(60):
        raise RuntimeError(f"Kafka did not take all events of {topic}")
    return start, sent


if __name__ == "__main__":
    print(*send(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
