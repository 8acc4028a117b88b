"""Turns profiles (the output of `profiles.as_json`) into MongoDB documents. Pure. A missing value has no key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from bson.decimal128 import Decimal128

from cdp.metrics import METRICS

#: Increase it when documents are built differently: the next night then rewrites all of them.
SHAPE = 4
#: Metrics that count days up to the published one are not stored: readers compute them from the date.
_STORED = {metric.key for metric in METRICS if not metric.since}
_DECIMALS = {metric.key for metric in METRICS if metric.kind in ("money", "number")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The same amounts occur often.
_to_decimal = lru_cache(2**16)(Decimal128)


@dataclass(frozen=True, slots=True)
class Written:
    """The publication that a document was last written for. The document stays valid for later ones until its content changes."""

    day: date
    publication: int


def document(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    return {
        "_id": profile["customer_id"],
        **_make_metrics(profile, written),
        "recent": [_make_event(event) for event in profile["recent"]],
        "days": [{**day, "revenue": _to_decimal(day["revenue"])} for day in profile["days"]],
        "history_hash": profile["history_hash"],
    }


def has_history(profile: Mapping[str, Any]) -> bool:
    """A profile without history keeps the history of the stored document."""
    return "history_hash" in profile


def update(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    """The update that replaces the metrics of a stored document."""
    return {"$set": _make_metrics(profile, written), "$unset": dict.fromkeys(sorted(_STORED - profile.keys()), "")}


def _make_metrics(profile: Mapping[str, Any], written: Written) -> dict[str, Any]:
    metrics = {key: _to_decimal(value) if key in _DECIMALS else value for key, value in profile.items() if key in _STORED}
    return {"as_of": written.day.isoformat(), "publication": written.publication, **metrics, "hash": profile["hash"]}


def _make_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Only purchases and refunds have a revenue."""
    money = {name: _to_decimal(event[name]) for name in ("price", "revenue") if name in event}
    return {**event, "time": _EPOCH + timedelta(microseconds=event["time"]), **money}
