"""One customer's profile from MongoDB, always by _id, and never anything else from there."""

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
from cdp.metrics import METRICS, Metric
from cdp.settings import current
from cdp_web.publications.errors import ProfilesUnavailable
from cdp_web.publications.selectors import Publication

SHOWN = {each.name: each for each in TYPES}


@dataclass(frozen=True, slots=True)
class Event:
    time: datetime
    type: str
    product_id: str
    category_code: str | None
    brand: str | None
    price: Decimal
    quantity: int
    revenue: Decimal | None = None  # of a purchase, and of a refund, where it is negative

    @property
    def shown(self) -> EventType:
        return SHOWN.get(self.type) or EventType(self.type, self.type, "eye")


@dataclass(frozen=True, slots=True)
class Day:
    """What the customer did on one day that had an event."""

    day: date
    views: int
    orders: int
    revenue: Decimal  # net


@dataclass(frozen=True, slots=True)
class Profile:
    customer_id: str
    metrics: dict[str, Any]  # key -> value; what is missing is not in it
    recent: list[Event]  # newest first
    days: list[Day]


def profile_get(publication: Publication, customer_id: str) -> Profile | None:
    """The profile as of the publication; none for an id that it does not know."""
    settings = current()
    try:
        collection = _client(settings.mongo_url)[settings.mongo_database][publication.profiles_collection]
        document = collection.find_one({"_id": customer_id})
    except PyMongoError as error:
        raise ProfilesUnavailable(f"MongoDB does not answer: {str(error).split(',')[0]}") from error
    return None if document is None else profile_from(document, publication.day)


def profile_from(document: dict[str, Any], day: date) -> Profile:
    """The document as typed values, as of the published day: pure, so that its shape is tested without a server. A document
    stays as it is while nothing happens to the customer: days that are counted up to the published one are counted here."""
    plain = {key: _plain(value) for key, value in document.items()}
    return Profile(
        customer_id=document["_id"],
        metrics={metric.key: value for metric in METRICS if (value := _metric(metric, plain, day)) is not None},
        recent=[_event(event) for event in document.get("recent", ())],
        days=[_day(day) for day in document.get("days", ())],
    )


def _metric(metric: Metric, plain: dict[str, Any], day: date) -> Any:
    since = plain.get(metric.since) if metric.since else None
    return (day - day_from_text(since)).days if since else plain.get(metric.key)


def _event(event: dict[str, Any]) -> Event:
    return Event(
        event["time"],
        event["type"],
        event["product_id"],
        event.get("category_code"),
        event.get("brand"),
        _plain(event["price"]),
        event.get("quantity", 1),
        _plain(event.get("revenue")),
    )


def _day(day: dict[str, Any]) -> Day:
    return Day(day_from_text(day["day"]), day["views"], day["orders"], _plain(day["revenue"]))


def _plain(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


@cache
def _client(url: str) -> MongoClient[dict[str, Any]]:
    """One client a process; it connects at the first question."""
    return MongoClient(url, tz_aware=True, serverSelectionTimeoutMS=3000, connectTimeoutMS=3000, socketTimeoutMS=5000)
