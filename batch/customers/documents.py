"""A profile as a document of MongoDB. Pure: what `profiles.as_json` says in, documents out; what is missing has no key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from bson.decimal128 import Decimal128

from cdp.metrics import METRICS

#: Another number where a document is made otherwise: all of them are written anew then.
SHAPE = 4
#: Those that count days up to the published one are left to the reader, who has the date.
_STORED = {metric.key for metric in METRICS if not metric.since}
_DECIMALS = {metric.key for metric in METRICS if metric.kind in ("money", "number")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The same amounts come again and again.
_decimal = lru_cache(2**16)(Decimal128)


@dataclass(frozen=True, slots=True)
class Written:
    """The publication that a document was last written for; it holds for later ones too, as long as nothing in it changes."""

    day: date
    publication: int


def document(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    return {
        "_id": profile["customer_id"],
        **_metrics(profile, written),
        "recent": [_event(event) for event in profile["recent"]],
        "days": [{**day, "revenue": _decimal(day["revenue"])} for day in profile["days"]],
        "history_hash": profile["history_hash"],
    }


def has_history(profile: Mapping[str, Any]) -> bool:
    """One without keeps that of the document that is there."""
    return "history_hash" in profile


def update(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    """A document with these metrics in the place of those it had."""
    return {"$set": _metrics(profile, written), "$unset": dict.fromkeys(sorted(_STORED - profile.keys()), "")}


def _metrics(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    metrics = {key: _decimal(value) if key in _DECIMALS else value for key, value in profile.items() if key in _STORED}
    return {"as_of": written.day.isoformat(), "publication": written.publication, **metrics, "hash": profile["hash"]}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Only purchases and refunds have a revenue."""
    money = {name: _decimal(event[name]) for name in ("price", "revenue") if name in event}
    return {**event, "time": _EPOCH + timedelta(microseconds=event["time"]), **money}
