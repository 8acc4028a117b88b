"""The values of a comparison by kind: how to read them from JSON and write them, and which values are wrong.

Bounds are those of the snapshot's columns (cdp/kinds.py), so a valid value fits in every engine. An integer has no more digits
than a decimal, and a text is no longer than an event's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from cdp.days import day_from_text
from cdp.events.fields import MAX_TEXT
from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.rules.errors import abbreviate
from cdp.rules.operators import ValueKind
from cdp.rules.tree import Scalar, Value

PERCENT_SCALE = 2
MAX_DAYS = 36_500
#: The longest of the lists of customers that a rank can name.
MAX_COUNT = 10_000_000
#: The categories Cc and Cs of Unicode, whose characters never change.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


def read(kind: ValueKind | None, raw: Scalar) -> Scalar:
    """Convert a scalar to the kind. A value that doesn't fit stays unchanged; `find_fault` says what is wrong with it."""
    if kind in ("money", "number", "percent"):
        return _read_decimal(raw)
    if kind == "date" and isinstance(raw, str):
        return _read_day(raw)
    return raw


def write(value: Value) -> object:
    """A value as JSON holds it: decimals and days as text."""
    if isinstance(value, tuple):
        return [write(item) for item in value]
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def decimal_text(value: Decimal) -> str:
    """Digits without an exponent, two decimals or as many as it needs: 12.50, 0.125."""
    if value.is_zero():
        return "0.00"
    if not value.is_finite() or abs(value.adjusted()) > 2 * DIGITS:
        return str(value)  # beyond every bound; written out it could fill the memory
    whole, _, decimals = format(value.copy_abs(), "f").partition(".")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{decimals.rstrip('0').ljust(MONEY_SCALE, '0')}"


def find_fault(kind: ValueKind, value: object) -> str:
    """What is wrong with the value for this kind, as a sentence; empty if nothing is."""
    return _FAULT_FINDERS[kind](value)


def _read_decimal(raw: Scalar) -> Scalar:
    if isinstance(raw, int) or (isinstance(raw, str) and _DECIMAL.fullmatch(raw)):
        return Decimal(raw)
    return raw


def _read_day(raw: str) -> Scalar:
    try:
        return day_from_text(raw)
    except ValueError:
        return raw


def _find_integer_fault(value: object) -> str:
    if type(value) is not int:
        return f"needs a whole number such as 3, not {abbreviate(value)}."
    return _describe_too_large(DIGITS) if abs(value) >= 10**DIGITS else ""


def _find_days_fault(value: object) -> str:
    if type(value) is not int or not 1 <= value <= MAX_DAYS:
        return f"needs a number of days from 1 to {MAX_DAYS}, not {abbreviate(value)}."
    return ""


def _find_count_fault(value: object) -> str:
    if type(value) is not int or not 1 <= value <= MAX_COUNT:
        return f"needs a number of customers from 1 to {MAX_COUNT}, not {abbreviate(value)}."
    return ""


def _find_percent_fault(value: object) -> str:
    fault = _find_decimal_fault(value, PERCENT_SCALE)
    if not fault and not 0 <= value <= 100:  # type: ignore[operator]
        return f"needs a percentage from 0 to 100, not {abbreviate(value)}."
    return fault


def _find_decimal_fault(value: object, scale: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        return f"needs a number such as 12.50, not {abbreviate(value)}."
    if Decimal(value).copy_abs() >= 10 ** (DIGITS - scale):  # abs() raises for an exponent of ten digits
        return _describe_too_large(DIGITS - scale)
    if value != round(value, scale):
        return f"has more than {scale} decimals; leave out the rest."
    return ""


def _find_date_fault(value: object) -> str:
    return "" if type(value) is date else f"needs a day such as 2019-10-31, not {abbreviate(value)}."


def _find_text_fault(value: object) -> str:
    if not isinstance(value, str) or not value:
        return f"needs a text, not {abbreviate(value)}."
    if len(value) > MAX_TEXT:
        return f"is longer than {MAX_TEXT} characters, the longest text that a customer can have."
    if _CONTROL.search(value):
        return "contains a control character; type the text again."
    return ""


def _describe_too_large(digits: int) -> str:
    return f"has more than {digits} digits before the point; use a smaller number."


_FAULT_FINDERS: dict[ValueKind, Callable[[object], str]] = {
    "integer": _find_integer_fault,
    "money": lambda value: _find_decimal_fault(value, MONEY_SCALE),
    "number": lambda value: _find_decimal_fault(value, NUMBER_SCALE),
    "date": _find_date_fault,
    "text": _find_text_fault,
    "days": _find_days_fault,
    "count": _find_count_fault,
    "percent": _find_percent_fault,
}
