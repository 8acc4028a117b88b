"""A profile as a document of MongoDB. Pure: rows in, documents out; what is missing has no key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from bson.decimal128 import Decimal128
from pyspark.sql import Row

from cdp.metrics import METRICS

#: Another number where a document is made otherwise: all of them are written anew then.
SHAPE = 2
#: Those that count days up to the published one are left to the reader, who has the date.
_STORED = tuple(metric for metric in METRICS if not metric.since)

#: Kind of a metric -> how MongoDB keeps it.
_AS_STORED: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "money": Decimal128,
    "number": Decimal128,
    "date": lambda day: day.isoformat(),
    "text": str,
}


@dataclass(frozen=True, slots=True)
class Written:
    """The publication that a document was last written for; it holds for later ones too, as long as nothing in it changes."""

    day: date
    publication: int


def document(profile: Row, written: Written) -> dict[str, Any]:
    metrics = {metric.key: _AS_STORED[metric.kind](profile[metric.key]) for metric in _STORED if profile[metric.key] is not None}
    return {
        "_id": profile.customer_id,
        "as_of": written.day.isoformat(),
        "publication": written.publication,
        **metrics,
        "recent": [_event(event) for event in profile.recent],
        "days": [_day(day) for day in profile.days],
        "hash": profile.hash,
    }


def _event(event: Row) -> dict[str, Any]:
    fields = {name: value for name, value in event.asDict().items() if value is not None}
    # Spark hands times to Python in the zone of the process.
    return fields | {"time": event.time.astimezone(UTC), "price": Decimal128(event.price)}


def _day(day: Row) -> dict[str, Any]:
    return {"day": day.day.isoformat(), "views": day.views, "orders": day.orders, "revenue": Decimal128(day.revenue)}
