"""Values of the shop's rows as Debezium writes them, checked and brought into one form: numbers and truth values as such, all
else as text. Money stays text, so no digit is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

import orjson

from cdp.kinds import MONEY_SCALE, PRICE, PRICE_DIGITS

Value = str | int | bool | None
Row = dict[str, Value]
#: What Debezium sends for a large text that an update did not change.
UNCHANGED = "__debezium_unavailable_value"
_CENT = Decimal(1).scaleb(-MONEY_SCALE)
_LIMIT = Decimal(10) ** (PRICE_DIGITS - MONEY_SCALE)
_TRUTH = {True: True, False: False, "true": True, "false": False, "t": True, "f": False}


def convert(kind: str, value: object) -> Value:
    """The value for a column of this kind, in Spark's DDL. ValueError says what the column takes."""
    if value is None or value == UNCHANGED:
        return None if value is None else UNCHANGED
    return _CONVERTERS[kind](value)


def _convert_text(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if "\0" in text:
        raise ValueError("a text without the character NUL")
    return text


def _convert_int(value: object) -> int:
    try:
        number = int(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or not -(2**31) <= number < 2**31:
        raise ValueError("a whole number of 32 bits")
    return number


def _convert_money(value: object) -> str:
    try:
        money = Decimal(str(value))
        exact = money.quantize(_CENT)
    except InvalidOperation:
        money = exact = Decimal("NaN")
    if isinstance(value, bool) or exact != money or abs(exact) >= _LIMIT:
        raise ValueError(f"money with at most {PRICE_DIGITS - MONEY_SCALE} digits before and {MONEY_SCALE} after the point")
    return str(exact)


def _convert_boolean(value: object) -> bool:
    if not isinstance(value, (str, bool)) or value not in _TRUTH:
        raise ValueError("true or false")
    return _TRUTH[value]


def _convert_time(value: object) -> str:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError("a time with a zone, such as 2026-03-29T00:30:00.123456Z")
    return time.isoformat()


_CONVERTERS: dict[str, Callable[[object], Value]] = {
    "string": _convert_text,
    "int": _convert_int,
    PRICE: _convert_money,
    "boolean": _convert_boolean,
    "timestamp": _convert_time,
}
