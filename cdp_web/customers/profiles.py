"""One customer's profile from MongoDB, always read by _id; the site reads nothing else there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from bson.decimal128 import Decimal128
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from cdp.days import day_from_text
from cdp.events import TYPES, EventType
from cdp.metrics import METRICS, Metric, count_days
from cdp.settings import current
from cdp_web.serving.errors import ProfilesUnavailable
from cdp_web.serving.publications import Publication

EVENT_TYPES = {each.name: each for each in TYPES}


@dataclass(frozen=True, slots=True)
class ProfileEvent:
    time: datetime
    type: str
    product_id: str
    category_code: str | None
    brand: str | None
    price: Decimal
    quantity: int
    revenue: Decimal | None = None  # only for purchases and refunds; negative for refunds

    @property
    def event_type(self) -> EventType:
        return EVENT_TYPES.get(self.type) or EventType(self.type, self.type, "eye")


@dataclass(frozen=True, slots=True)
class ProfileDay:
    """Activity of the customer on a day with an event."""

    day: date
    views: int
    orders: int
    revenue: Decimal  # net


@dataclass(frozen=True, slots=True)
class Profile:
    customer_id: str
    metrics: dict[str, Any]  # key -> value, without missing values
    recent: list[ProfileEvent]  # newest first
    days: list[ProfileDay]


def profile_get(publication: Publication, customer_id: str) -> Profile | None:
    """The profile as of the publication; None for an unknown id."""
    settings = current()
    try:
        collection = _client(settings.mongo_url)[settings.mongo_database][publication.profiles_collection]
        document = collection.find_one({"_id": customer_id})
    except PyMongoError as error:
        raise ProfilesUnavailable(f"MongoDB does not answer: {str(error).split(',')[0]}") from error
    return None if document is None else parse_profile(document, publication.day)


def parse_profile(document: dict[str, Any], day: date) -> Profile:
    """Convert the document to typed values as of the published day; pure, so tests need no server. A document does not change
    while nothing happens to the customer, so days up to the published day are counted here."""
    plain = {key: _to_decimal(value) for key, value in document.items()}
    return Profile(
        customer_id=document["_id"],
        metrics={metric.key: value for metric in METRICS if (value := _read_metric(metric, plain, day)) is not None},
        recent=[_parse_event(event) for event in document.get("recent", ())],
        days=[_parse_day(day) for day in document.get("days", ())],
    )


def _read_metric(metric: Metric, plain: dict[str, Any], day: date) -> Any:
    since = plain.get(metric.since) if metric.since else None
    return count_days(day_from_text(since), day) if since else plain.get(metric.key)


def _parse_event(event: dict[str, Any]) -> ProfileEvent:
    return ProfileEvent(
        event["time"],
        event["type"],
        event["product_id"],
        event.get("category_code"),
        event.get("brand"),
        _to_decimal(event["price"]),
        event.get("quantity", 1),
        _to_decimal(event.get("revenue")),
    )


def _parse_day(day: dict[str, Any]) -> ProfileDay:
    return ProfileDay(day_from_text(day["day"]), day["views"], day["orders"], _to_decimal(day["revenue"]))


def _to_decimal(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


@cache
def _client(url: str) -> MongoClient[dict[str, Any]]:
    """One client per process; it connects with the first query."""
    return MongoClient(url, tz_aware=True, serverSelectionTimeoutMS=3000, connectTimeoutMS=3000, socketTimeoutMS=5000)
