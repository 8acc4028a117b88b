"""Reads one message by the contract of docs/events.md in plain Python. The tests compare the reader with it.

It shares the constants of the contract with the reader, but no pattern, check or expression.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from cdp.events.fields import BOUNDS, EVENT_TYPES, FIELD_NAMES, FIELDS, MAX_REVENUE, MONEY_TYPES, Bounds, EventField
from tests.oracle.json_texts import Pairs, allow_depth, find_text, parse_object

CENT = Decimal("0.01")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000  # microseconds
#: The Gregorian calendar repeats after so many years and days.
CYCLE_YEARS, CYCLE_DAYS = 400, 146_097

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ?(?:UTC|Z|([+-])(\d\d)(?::?(\d\d))?)", re.ASCII)
NUMBER = re.compile(r"\+?(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
WHOLE = re.compile(r"\+?(\d{1,9})(\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """The columns of the table of events that come from the message alone."""

    event_id: str
    event_day: date
    event_time: datetime
    event_type: str
    product_id: str
    category_id: str | None
    category_code: str | None
    category_1: str | None
    category_2: str | None
    category_3: str | None
    brand: str | None
    price: Decimal
    quantity: int
    amount: Decimal | None
    revenue: Decimal | None
    user_id: str
    anonymous_id: str | None
    user_session: str | None
    order_id: str | None
    source: str | None
    extra: Pairs | None


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    field: str | None
    detail: str


class Refused(Exception):
    """Ends the reading of a message."""

    def __init__(self, reason: str, field: str | None, detail: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, field, detail)


@allow_depth()
def read_message(value: bytes | None, received: datetime, bounds: Bounds = BOUNDS) -> Event | Refusal:
    pairs = parse_object(value or b"")
    if pairs is None:
        return Refusal("not_json", None, "it is not one JSON object")
    texts = {name: find_text(pairs, name, b"\\" in (value or b"")) for name in FIELD_NAMES}
    try:
        values = {field.name: _read_field(field, texts, received, bounds) for field in FIELDS}
        _check_products(texts, values)
    except Refused as refused:
        return refused.refusal
    first = dict(reversed(pairs))
    extra = Pairs((key, first.pop(key)) for key, _ in pairs if key in first and key not in FIELD_NAMES)
    return _make_event(values, extra or None)


# Fields. A reader gets the field's name, its text, the time of receipt and the bounds.


def _read_field(field: EventField, texts: dict[str, str | None], received: datetime, bounds: Bounds) -> Any:
    text = texts[field.name]
    if text is not None:
        return READERS[field.kind](field.name, text, received, bounds)
    if field.required and not (field.instead and texts[field.instead]):
        raise Refused("missing", field.name, "it is missing or empty")
    return 1 if field.kind == "quantity" else None


def _read_time(field: str, text: str, received: datetime, bounds: Bounds) -> datetime:
    moment = _count_micros(text)
    if moment is None:
        raise Refused("bad_time", field, _quote(text, "is not a time with seconds and a zone"))
    if moment < _since_epoch(datetime.fromisoformat(bounds.earliest_day).replace(tzinfo=UTC)):
        raise Refused("bad_time", field, _quote(text, f"lies before {bounds.earliest_day}"))
    if moment > _since_epoch(received + timedelta(hours=bounds.max_ahead_hours)):
        what = f"lies more than {bounds.max_ahead_hours} hours after it was received"
        raise Refused("bad_time", field, _quote(text, what))
    return EPOCH + timedelta(microseconds=moment)


def _count_micros(text: str) -> int | None:
    """From 1970, because years 0 and 10000 are outside of Python's datetime."""
    match = TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    zone = int(match[9] or 0) * 60 + int(match[10] or 0)
    try:
        days = date(year + CYCLE_YEARS, month, day).toordinal() - CYCLE_DAYS if year < 1 else date(year, month, day).toordinal()
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59 or zone > 18 * 60 or int(match[10] or 0) > 59:
        return None
    minutes = (days - EPOCH.toordinal()) * 24 * 60 + hour * 60 + minute - (-zone if match[8] == "-" else zone)
    return (minutes * 60 + second) * SECOND + int((match[7] or "").ljust(6, "0")[:6])


def _since_epoch(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _read_type(field: str, text: str, received: datetime, bounds: Bounds) -> str:
    if text not in EVENT_TYPES:
        raise Refused("bad_type", field, _quote(text, "is none of " + ", ".join(EVENT_TYPES)))
    return text


def _read_text(field: str, text: str, received: datetime, bounds: Bounds) -> str:
    if len(text) > bounds.max_text:
        raise Refused("too_long", field, f"{len(text)} characters, {bounds.max_text} at most")
    return text.lower() if field == "brand" else text


def _read_price(field: str, text: str, received: datetime, bounds: Bounds) -> Decimal:
    price = _read_money(field, text, "bad_price")
    if price >= 10**10:
        raise Refused("bad_price", field, _quote(text, "has more than ten digits before the point"))
    return price


def _read_amount(field: str, text: str, received: datetime, bounds: Bounds) -> Decimal:
    amount = _read_money(field, text, "bad_amount")
    if amount > MAX_REVENUE:
        raise Refused("bad_amount", field, _quote(text, f"is more than {MAX_REVENUE:,}"))
    return amount


def _read_money(field: str, text: str, reason: str) -> Decimal:
    if text.startswith("-") and NUMBER.fullmatch(text[1:]) and text[1] != "+":
        raise Refused(reason, field, _quote(text, "is negative"))
    if not NUMBER.fullmatch(text):
        raise Refused(reason, field, _quote(text, "is not a number"))
    return _round(Decimal(text))


def _round(number: Decimal) -> Decimal:
    with localcontext(prec=1000):
        return number.quantize(CENT, ROUND_HALF_UP)


def _read_quantity(field: str, text: str, received: datetime, bounds: Bounds) -> int:
    match = WHOLE.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= bounds.max_quantity:
        raise Refused("bad_quantity", field, _quote(text, f"is not a whole number from 1 to {bounds.max_quantity}"))
    return int(match[1])


def _read_currency(field: str, text: str, received: datetime, bounds: Bounds) -> str:
    if bounds.currency and not (text.isascii() and text.upper() == bounds.currency.upper()):
        raise Refused("bad_currency", field, _quote(text, f"is not {bounds.currency}, the shop's currency"))
    return text


READERS: dict[str, Callable[[str, str, datetime, Bounds], Any]] = {
    "time": _read_time,
    "type": _read_type,
    "text": _read_text,
    "money": _read_price,
    "quantity": _read_quantity,
    "amount": _read_amount,
    "currency": _read_currency,
}


def _quote(text: str, what: str) -> str:
    return f"'{text if len(text) <= 60 else text[:60] + '…'}' {what}"


# What follows from several fields


def _check_products(texts: dict[str, str | None], values: dict[str, Any]) -> None:
    """Compute a missing price from the amount, and check the worth of the event."""
    price, quantity, amount = values["price"], values["quantity"], values["amount"]
    if values["event_type"] in MONEY_TYPES and amount is None and price * quantity > MAX_REVENUE:
        what = f"times the price is more than {MAX_REVENUE:,}"
        raise Refused("bad_quantity", "quantity", _quote(texts["quantity"] or "", what))
    if price is None:
        values["price"] = _round(amount / quantity)
        if values["price"] >= 10**10:
            what = "makes a price of more than ten digits before the point"
            raise Refused("bad_amount", "amount", _quote(texts["amount"] or "", what))


def _make_event(values: dict[str, Any], extra: Pairs | None) -> Event:
    del values["currency"]
    kind, session = values["event_type"], values["user_session"]
    values["event_id"] = values["event_id"] or _make_id(values)
    if kind == "purchase":
        values["order_id"] = values["order_id"] or (f"s:{session}" if session else f"e:{values['event_id']}")
    worth = values["price"] * values["quantity"] if values["amount"] is None else values["amount"]
    levels = [*(values["category_code"] or "").split("."), "", "", ""]
    derived = {
        "event_day": values["event_time"].date(),
        "revenue": {"purchase": worth, "refund": -worth}.get(kind),
        "extra": extra,
        **{f"category_{level}": levels[level - 1] or None for level in (1, 2, 3)},
    }
    return Event(**values | derived)


def _make_id(values: dict[str, Any]) -> str:
    names = (
        "event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price", "user_id", "user_session",
        "quantity", "order_id",
    )  # fmt: skip
    texts = {name: None if values[name] is None else str(values[name]) for name in names}
    texts["event_time"] = str(_since_epoch(values["event_time"]))
    parts = ["-" if text is None else f"{len(text)}:{text}" for text in texts.values()]
    if values["amount"] is not None:
        parts.append(f"{len(str(values['amount']))}:{values['amount']}")
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]
