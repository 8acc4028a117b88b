"""Converts a field's text to a typed value, and checks it. Column expressions only; the parser combines them.

A value is null if its text is missing or invalid; the checks tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from cdp.events.fields import EVENT_TYPES, MAX_REVENUE, MONEY_TYPES, NEGATIVE, NUMBER, TIME, WHOLE, Bounds, EventField
from cdp.kinds import MONEY, PRICE

SHOWN = 60  # characters of a value that a refusal quotes


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """If `fails` is true, the message is refused for `reason`; `detail` says what is wrong."""

    fails: Column
    reason: str
    detail: Column


def clean_text(raw: Column, has_escapes: Column) -> Column:
    """Trim white space; control characters count as white space, and an empty text becomes null. JSON can hold control
    characters only as escapes, and searching every text for them would cost more than the rest of the parser."""
    spaced = F.when(has_escapes, F.regexp_replace(raw, r"[\x00-\x20\x7f]+", " ")).otherwise(raw)
    return F.nullif(F.trim(spaced), F.lit(""))


def parse_time(text: Column, bounds: Bounds) -> Column:
    return F.when(text.rlike(TIME), text.try_cast("timestamp"))


def parse_money(text: Column, bounds: Bounds) -> Column:
    """More than two decimals are rounded half up: trackers send binary fractions of a price, such as 17.990000000000002."""
    return F.when(text.rlike(NUMBER), text.try_cast(PRICE))


def parse_amount(text: Column, bounds: Bounds) -> Column:
    return F.when(text.rlike(NUMBER), text.try_cast(MONEY))


def compute_unit_price(amount: Column, quantity: Column) -> Column:
    """Rounded half up; null if it has too many digits for a price."""
    return F.round(amount / quantity, 2).try_cast(PRICE)


def parse_quantity(text: Column, bounds: Bounds) -> Column:
    number = F.when(text.rlike(WHOLE), F.substring_index(text, ".", 1).cast("int"))
    return F.when(number.between(1, bounds.max_quantity), number)


def keep_text(text: Column, bounds: Bounds) -> Column:
    return text


VALUES: dict[str, Callable[[Column, Bounds], Column]] = {
    "time": parse_time,
    "type": keep_text,
    "text": keep_text,
    "money": parse_money,
    "quantity": parse_quantity,
    "amount": parse_amount,
    "currency": keep_text,
}


def make_checks(field: EventField, texts: Callable[[str], Column], received: Column, bounds: Bounds) -> list[FieldCheck]:
    """The checks of one field, in order; the first that fails gives the reason."""
    text, value = texts(field.name), F.col(field.name)
    absent = text.isNull() & texts(field.instead).isNull() if field.instead else text.isNull()
    missing = [FieldCheck(absent, "missing", F.lit("it is missing or empty"))] if field.required else []
    return missing + _CHECKS[field.kind](text, value, received, bounds)


def _check_time(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    early, hours = F.lit(bounds.earliest_day).cast("date"), bounds.max_ahead_hours
    ahead = received + F.make_dt_interval(hours=F.lit(hours))
    return [
        FieldCheck(_is_unparsed(text, value), "bad_time", _quote(text, "is not a time with seconds and a zone")),
        FieldCheck(value < early, "bad_time", _quote(text, f"lies before {bounds.earliest_day}")),
        FieldCheck(value > ahead, "bad_time", _quote(text, f"lies more than {hours} hours after it was received")),
    ]


def _check_type(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    return [FieldCheck(~text.isin(*EVENT_TYPES), "bad_type", _quote(text, f"is none of {', '.join(EVENT_TYPES)}"))]


def _check_text(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    length = F.char_length(text)
    detail = F.concat(length.cast("string"), F.lit(f" characters, {bounds.max_text} at most"))
    # The number of bytes is known without counting, and is never less than the number of characters.
    long = (F.octet_length(text) > bounds.max_text) & (length > bounds.max_text)
    return [FieldCheck(long, "too_long", detail)]


def _check_money(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    too_large = _is_unparsed(text, value) & text.rlike(NUMBER)
    return [
        _check_negative(text, "bad_price"),
        FieldCheck(too_large, "bad_price", _quote(text, "has more than ten digits before the point")),
        FieldCheck(_is_unparsed(text, value), "bad_price", _quote(text, "is not a number")),
    ]


def _check_amount(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    too_large = (value > MAX_REVENUE) | (_is_unparsed(text, value) & text.rlike(NUMBER))
    return [
        _check_negative(text, "bad_amount"),
        FieldCheck(too_large, "bad_amount", _quote(text, f"is more than {MAX_REVENUE:,}")),
        FieldCheck(_is_unparsed(text, value), "bad_amount", _quote(text, "is not a number")),
    ]


def _check_negative(text: Column, reason: str) -> FieldCheck:
    # The pattern is slow and runs on every message; the sign alone rules out nearly all of them.
    return FieldCheck(text.startswith("-") & text.rlike(NEGATIVE), reason, _quote(text, "is negative"))


def _check_currency(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    if not bounds.currency:
        return []
    # Three bytes can only be three ASCII letters, so lower-casing of other alphabets plays no part.
    same = (F.octet_length(text) == len(bounds.currency)) & (F.lower(text) == bounds.currency.lower())
    return [FieldCheck(~same, "bad_currency", _quote(text, f"is not {bounds.currency}, the shop's currency"))]


def _check_quantity(text: Column, value: Column, received: Column, bounds: Bounds) -> list[FieldCheck]:
    detail = _quote(text, f"is not a whole number from 1 to {bounds.max_quantity}")
    return [FieldCheck(_is_unparsed(text, value), "bad_quantity", detail)]


def make_product_checks(texts: Callable[[str], Column]) -> dict[str, FieldCheck]:
    """Field -> its check together with other fields. They come after the single-field checks, where the amount's own bound was
    checked already."""
    price, quantity, amount = F.col("price"), F.col("quantity"), F.col("amount")
    worth = F.col("event_type").isin(*MONEY_TYPES) & texts("amount").isNull() & (price * quantity > MAX_REVENUE)
    unit_too_dear = texts("price").isNull() & amount.isNotNull() & compute_unit_price(amount, quantity).isNull()
    return {
        "quantity": FieldCheck(worth, "bad_quantity", _quote(texts("quantity"), f"times the price is more than {MAX_REVENUE:,}")),
        "amount": FieldCheck(
            unit_too_dear, "bad_amount", _quote(texts("amount"), "makes a price of more than ten digits before the point")
        ),
    }


_CHECKS: dict[str, Callable[[Column, Column, Column, Bounds], list[FieldCheck]]] = {
    "time": _check_time,
    "type": _check_type,
    "text": _check_text,
    "money": _check_money,
    "quantity": _check_quantity,
    "amount": _check_amount,
    "currency": _check_currency,
}


def _is_unparsed(text: Column, value: Column) -> Column:
    return text.isNotNull() & value.isNull()


def _quote(text: Column, what: str) -> Column:
    """The value in quotes, shortened if it is long, followed by what is wrong with it."""
    shortened = F.when(F.char_length(text) > SHOWN, F.concat(F.left(text, F.lit(SHOWN)), F.lit("…"))).otherwise(text)
    return F.concat(F.lit("'"), shortened, F.lit(f"' {what}"))
