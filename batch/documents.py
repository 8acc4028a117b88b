"""A profile as a document of MongoDB. Pure: what Arrow hands over in, documents out; what is missing has no key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from bson.decimal128 import Decimal128

from cdp.metrics import METRICS

#: Another number where a document is made otherwise: all of them are written anew then.
SHAPE = 2
#: The same amounts come again and again. A cache each, because 1.50 and 1.500000 are the same key and not the same document.
_money, _number = lru_cache(2**16)(Decimal128), lru_cache(2**16)(Decimal128)

#: Kind of a metric -> how MongoDB keeps it.
_AS_STORED: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "money": _money,
    "number": _number,
    "date": date.isoformat,
    "text": str,
}
#: Those that count days up to the published one are left to the reader, who has the date.
_STORED = {metric.key: _AS_STORED[metric.kind] for metric in METRICS if not metric.since}


@dataclass(frozen=True, slots=True)
class Written:
    """The publication that a document was last written for; it holds for later ones too, as long as nothing in it changes."""

    day: date
    publication: int


def document(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    return {
        "_id": profile["customer_id"],
        "as_of": written.day.isoformat(),
        "publication": written.publication,
        **{key: stored(profile[key]) for key, stored in _STORED.items() if profile[key] is not None},
        "recent": [_event(event) for event in profile["recent"]],
        "days": [_day(day) for day in profile["days"]],
        "hash": profile["hash"],
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in event.items() if value is not None}
    fields["price"] = _money(event["price"])
    return fields


def _day(day: Mapping[str, Any]) -> dict[str, Any]:
    return {**day, "day": day["day"].isoformat(), "revenue": _money(day["revenue"])}
