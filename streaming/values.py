"""One field's text as a typed value, and what can be wrong with it. Column expressions only; the parser puts them together.

A value is missing (null) where its text is missing or does not fit; a check tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from cdp.events.fields import EVENT_TYPES, MAX_REVENUE, MONEY_TYPES, NEGATIVE, NUMBER, TIME, WHOLE, Bounds, EventField

SHOWN = 60  # characters of a value that a refusal repeats


@dataclass(frozen=True, slots=True)
class Check:
    """When `fails` holds, the message is refused for `reason`, and `detail` says what was wrong."""

    fails: Column
    reason: str
    detail: Column


def cleaned(raw: Column, has_escapes: Column) -> Column:
    """Text without white space around it; control characters count as white space, and nothing left is no value.
    They come into JSON only by an escape, and looking for them in every text costs more than all the rest of the parser."""
    spaced = F.when(has_escapes, F.regexp_replace(raw, r"[\x00-\x20\x7f]+", " ")).otherwise(raw)
    return F.nullif(F.trim(spaced), F.lit(""))


def time_value(text: Column, bounds: Bounds) -> Column:
    return F.when(text.rlike(TIME), text.try_cast("timestamp"))


def money_value(text: Column, bounds: Bounds) -> Column:
    """More than two decimals are rounded half up: trackers send what binary fractions make of a price, 17.990000000000002."""
    return F.when(text.rlike(NUMBER), text.try_cast("decimal(12, 2)"))


def amount_value(text: Column, bounds: Bounds) -> Column:
    return F.when(text.rlike(NUMBER), text.try_cast("decimal(18, 2)"))


def price_of_one(amount: Column, quantity: Column) -> Column:
    """Rounded half up; missing where it has too many digits for a price."""
    return F.round(amount / quantity, 2).try_cast("decimal(12, 2)")


def quantity_value(text: Column, bounds: Bounds) -> Column:
    number = F.when(text.rlike(WHOLE), F.substring_index(text, ".", 1).cast("int"))
    return F.when(number.between(1, bounds.max_quantity), number)


def as_it_came(text: Column, bounds: Bounds) -> Column:
    return text


VALUES: dict[str, Callable[[Column, Bounds], Column]] = {
    "time": time_value,
    "type": as_it_came,
    "text": as_it_came,
    "money": money_value,
    "quantity": quantity_value,
    "amount": amount_value,
    "currency": as_it_came,
}


def checks(field: EventField, texts: Callable[[str], Column], received: Column, bounds: Bounds) -> list[Check]:
    """What is looked at for one field, in order; the first that fails is the reason."""
    text, value = texts(field.name), F.col(field.name)
    absent = text.isNull() & texts(field.instead).isNull() if field.instead else text.isNull()
    missing = [Check(absent, "missing", F.lit("it is missing or empty"))] if field.required else []
    return missing + _CHECKS[field.kind](text, value, received, bounds)


def _time_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    early, hours = F.lit(bounds.earliest_day).cast("date"), bounds.max_ahead_hours
    ahead = received + F.make_dt_interval(hours=F.lit(hours))
    return [
        Check(_unread(text, value), "bad_time", _said(text, "is not a time with seconds and a zone")),
        Check(value < early, "bad_time", _said(text, f"lies before {bounds.earliest_day}")),
        Check(value > ahead, "bad_time", _said(text, f"lies more than {hours} hours after it was received")),
    ]


def _type_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    return [Check(~text.isin(*EVENT_TYPES), "bad_type", _said(text, f"is none of {', '.join(EVENT_TYPES)}"))]


def _text_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    length = F.char_length(text)
    detail = F.concat(length.cast("string"), F.lit(f" characters, {bounds.max_text} at most"))
    # Bytes are known without counting, and never fewer than the characters.
    long = (F.octet_length(text) > bounds.max_text) & (length > bounds.max_text)
    return [Check(long, "too_long", detail)]


def _money_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    too_large = _unread(text, value) & text.rlike(NUMBER)
    return [
        _negative(text, "bad_price"),
        Check(too_large, "bad_price", _said(text, "has more than ten digits before the point")),
        Check(_unread(text, value), "bad_price", _said(text, "is not a number")),
    ]


def _amount_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    too_large = (value > MAX_REVENUE) | (_unread(text, value) & text.rlike(NUMBER))
    return [
        _negative(text, "bad_amount"),
        Check(too_large, "bad_amount", _said(text, f"is more than {MAX_REVENUE:,}")),
        Check(_unread(text, value), "bad_amount", _said(text, "is not a number")),
    ]


def _negative(text: Column, reason: str) -> Check:
    # The pattern is dear and asked of every message; the sign tells nearly all of them.
    return Check(text.startswith("-") & text.rlike(NEGATIVE), reason, _said(text, "is negative"))


def _currency_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    if not bounds.currency:
        return []
    # Three bytes are three plain letters: what other alphabets have for a small letter plays no part.
    same = (F.octet_length(text) == len(bounds.currency)) & (F.lower(text) == bounds.currency.lower())
    return [Check(~same, "bad_currency", _said(text, f"is not {bounds.currency}, the shop's currency"))]


def _quantity_checks(text: Column, value: Column, received: Column, bounds: Bounds) -> list[Check]:
    detail = _said(text, f"is not a whole number from 1 to {bounds.max_quantity}")
    return [Check(_unread(text, value), "bad_quantity", detail)]


def too_much(texts: Callable[[str], Column]) -> dict[str, Check]:
    """Field -> the check of it together with others, behind those of each. An amount was held against the bound before."""
    price, quantity, amount = F.col("price"), F.col("quantity"), F.col("amount")
    worth = F.col("event_type").isin(*MONEY_TYPES) & texts("amount").isNull() & (price * quantity > MAX_REVENUE)
    price_of_many = texts("price").isNull() & amount.isNotNull() & price_of_one(amount, quantity).isNull()
    return {
        "quantity": Check(worth, "bad_quantity", _said(texts("quantity"), f"times the price is more than {MAX_REVENUE:,}")),
        "amount": Check(
            price_of_many, "bad_amount", _said(texts("amount"), "makes a price of more than ten digits before the point")
        ),
    }


_CHECKS: dict[str, Callable[[Column, Column, Column, Bounds], list[Check]]] = {
    "time": _time_checks,
    "type": _type_checks,
    "text": _text_checks,
    "money": _money_checks,
    "quantity": _quantity_checks,
    "amount": _amount_checks,
    "currency": _currency_checks,
}


def _unread(text: Column, value: Column) -> Column:
    return text.isNotNull() & value.isNull()


def _said(text: Column, what: str) -> Column:
    """The value in quotes, cut where it is long, and what is wrong with it."""
    cut = F.when(F.char_length(text) > SHOWN, F.concat(F.left(text, F.lit(SHOWN)), F.lit("…"))).otherwise(text)
    return F.concat(F.lit("'"), cut, F.lit(f"' {what}"))
