"""What a customer does now, in Redis: short-term interests, and the products bought in the last days.

Interests are the products, categories and brands of the last minutes with their strength. One hash per customer. A field
`minute|kind|key` holds the strength of that whole minute, so writing it twice changes nothing.
A strength loses half of its weight every ten minutes; this is computed when it is read. Bought products are a list in JSON.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol

KINDS = ("product", "category", "brand")
#: Strength of an event by its type. Removing a product from the cart takes back what adding it has given; a refund says nothing
#: about what the customer wants now.
STRENGTHS = {"view": 1, "cart": 3, "remove_from_cart": -3, "purchase": 5, "refund": 0}
HALF_LIFE_MINUTES = 10
#: A customer with more fields than the most keeps the newest ones. A person makes three for each event, a robot thousands.
MOST_FIELDS, KEPT_FIELDS = 900, 600
#: Days for which Redis knows what was bought; a publication of recommendations knows all days before its own.
LIVE_BOUGHT_DAYS = 3
MOST_BOUGHT = 200
#: Customers in one round trip to Redis.
_BATCH = 500


class Client(Protocol):
    """A client of redis-py with `decode_responses=True`."""

    def pipeline(self, *, transaction: bool) -> Any: ...
    def hgetall(self, name: str) -> Any: ...
    def hkeys(self, name: str) -> Any: ...
    def hdel(self, name: str, *keys: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class InterestRow:
    """The strength of all events of a customer in one minute that concern one product, category or brand."""

    customer_id: str
    minute: datetime  # its beginning
    kind: str
    key: str
    strength: int


@dataclass(frozen=True, slots=True)
class Interest:
    """What a customer is interested in now."""

    kind: str
    key: str
    score: float
    last_minute: datetime


def write_interests(client: Client, rows: Iterable[InterestRow], now: datetime, minutes: int) -> None:
    """Write sums of whole minutes. `minutes` is the length of the window (`interest_minutes`); earlier rows are left out.

    A field of an earlier minute stays until the customer has many fields: readers leave it out, and looking for it would cost
    more than the write."""
    new: defaultdict[str, dict[str, str]] = defaultdict(dict)
    first = _first_minute(now, minutes)
    for row in rows:
        if (minute := _number_minute(row.minute)) >= first:
            new[row.customer_id][f"{minute}|{row.kind}|{row.key}"] = str(row.strength)
    customers = iter(new.items())
    while batch := dict(islice(customers, _BATCH)):
        pipeline = client.pipeline(transaction=False)
        for customer, fields in batch.items():
            name = name_interests(customer)
            pipeline.hset(name, mapping={field: fields[field] for field in _find_newest(fields)})
            pipeline.expire(name, minutes * 60)
            pipeline.hlen(name)
        lengths = pipeline.execute()[2::3]
        _trim(client, [customer for customer, length in zip(batch, lengths, strict=True) if length > MOST_FIELDS])


def _trim(client: Client, customers: Iterable[str]) -> None:
    for name in map(name_interests, customers):
        fields = client.hkeys(name)
        client.hdel(name, *set(fields).difference(_find_newest(fields)))


def _find_newest(fields: Collection[str]) -> Collection[str]:
    return fields if len(fields) <= KEPT_FIELDS else sorted(fields, reverse=True)[:KEPT_FIELDS]


def read_interests(client: Client, customer_id: str, now: datetime, minutes: int) -> list[Interest]:
    """The interests of the current minute and of the `minutes` - 1 before it, the strongest first."""
    return parse_interests(client.hgetall(name_interests(customer_id)), now, minutes)


def parse_interests(fields: Mapping[str, str], now: datetime, minutes: int) -> list[Interest]:
    """The same from the fields of the customer's hash."""
    scores: defaultdict[tuple[str, str], float] = defaultdict(float)
    last: dict[tuple[str, str], int] = {}
    first = _first_minute(now, minutes)
    for minute, thing, strength in _parse_fields(fields):
        if minute >= first:
            scores[thing] += strength * decay(now, minute)
            last[thing] = max(last.get(thing, minute), minute)
    interests = [
        Interest(kind, key, score, datetime.fromtimestamp(last[kind, key] * 60, UTC)) for (kind, key), score in scores.items()
    ]
    return sorted((each for each in interests if each.score > 0), key=lambda each: (-each.score, each.kind, each.key))


def write_bought(client: Client, products: Mapping[str, Sequence[str]]) -> None:
    """Replace the products that these customers have bought in the last days, the latest first."""
    names = iter(products)
    while customers := tuple(islice(names, _BATCH)):
        pipeline = client.pipeline(transaction=False)
        for customer in customers:
            pipeline.set(name_bought(customer), json.dumps(products[customer][:MOST_BOUGHT]), ex=LIVE_BOUGHT_DAYS * 86_400)
        pipeline.execute()


def parse_bought(text: str | bytes | None) -> list[str]:
    """The products of a value that write_bought has written."""
    return json.loads(text) if text else []


def name_bought(customer_id: str) -> str:
    return f"bought:{customer_id}"


def decay(now: datetime, minute: int) -> float:
    """What is left of a strength: all of it in its own minute, half of it ten minutes later."""
    age: int = max(_number_minute(now) - minute, 0)
    return float(0.5 ** (age / HALF_LIFE_MINUTES))


def _parse_fields(fields: Mapping[str, str]) -> Iterator[tuple[int, tuple[str, str], int]]:
    for field, strength in fields.items():
        minute, kind, key = field.split("|", 2)
        yield int(minute), (kind, key), int(strength)


def _number_minute(instant: datetime) -> int:
    return int(instant.timestamp() // 60)


def _first_minute(now: datetime, minutes: int) -> int:
    return _number_minute(now) - minutes + 1


def name_interests(customer_id: str) -> str:
    return f"interests:{customer_id}"
