"""Example messages of the contract: valid events, and refused messages with the reason and the field.

Tests compare the parser, the importer's judge, the producer and the docs with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cdp.events.fields import MAX_QUANTITY, MAX_REVENUE, MAX_TEXT

#: When the examples are received; the base event is half an hour older.
RECEIVED = datetime(2019, 10, 1, 12, 30, tzinfo=UTC)
BASE: dict[str, Any] = {
    "event_time": "2019-10-01 12:00:00 UTC",
    "event_type": "purchase",
    "product_id": "1004856",
    "category_id": "2053013555631882655",
    "category_code": "electronics.smartphone",
    "brand": "samsung",
    "price": "130.76",
    "user_id": "513042592",
    "user_session": "0b7e2a3c",
}
#: The shop's currency in these examples.
CURRENCY = "USD"
#: A key with this value is left out of the message.
ABSENT = object()

#: A whole message, or the changes to the base event.
Content = bytes | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Invalid:
    """A refused message, the reason, and the field at fault."""

    content: Content
    reason: str
    field: str | None = None


def message(content: Content) -> bytes:
    """Bytes unchanged; a dict as the base event with these changes."""
    if isinstance(content, bytes):
        return content
    return json.dumps({key: value for key, value in (BASE | content).items() if value is not ABSENT}).encode()


VALID: dict[str, Content] = {
    "as the shop sends it": {},
    "time with Z": {"event_time": "2019-10-01T12:00:00Z"},
    "time with offset": {"event_time": "2019-10-01T00:30:00+02:00"},
    "time with short offset": {"event_time": "2019-10-01T12:00:00-0330"},
    "time with fraction": {"event_time": "2019-10-01T12:00:00.25Z"},
    "time just so far ahead": {"event_time": "2019-10-02 12:30:00 UTC"},
    "first time": {"event_time": "1990-01-01 00:00:00 UTC"},
    "numbers as JSON numbers": {"product_id": 1234567890123456789, "user_id": 513042592, "price": 130.76, "quantity": 2},
    "product with leading zeros": {"product_id": "0001"},
    "price of a binary fraction": {"price": 17.990000000000002},
    "price rounded half up": {"price": "1.005"},
    "price of nothing": {"price": 0},
    "price with an exponent": {"price": "1.5e2"},
    "greatest price": {"price": "9999999999.99"},
    "greatest revenue": {"price": f"{MAX_REVENUE // MAX_QUANTITY}", "quantity": MAX_QUANTITY},
    "many looked at earn nothing": {"event_type": "view", "price": "9999999999.99", "quantity": MAX_QUANTITY},
    "quantity as text": {"quantity": "3"},
    "quantity of a column with gaps": {"quantity": 2.0},
    "quantity null": {"quantity": None},
    "quantity empty": {"quantity": ""},
    "a view earns nothing": {"event_type": "view"},
    "brand in lower case": {"brand": " ACME  "},
    "empty text is no text": {"brand": "", "category_code": "  ", "user_session": ""},
    "control characters are white space": {"brand": "a\u0000\tb\n"},
    "four levels": {"category_code": "a.b.c.d"},
    "level left empty": {"category_code": "a..c"},
    "order given": {"order_id": "77"},
    "order without a session": {"user_session": ABSENT, "event_id": "e1"},
    "refund with a price": {"event_type": "refund", "quantity": 2, "order_id": "77"},
    "refund with an amount": {"event_type": "refund", "price": ABSENT, "amount": "19.99"},
    "refund of no order": {"event_type": "refund"},
    "amount beside a price": {"price": "0.125", "quantity": 8, "amount": "1.00"},
    "amount without a price": {"price": ABSENT, "quantity": 3, "amount": "20.00"},
    "price of one rounded half up": {"price": "", "quantity": 8, "amount": "1"},
    "price of one just below the half": {"price": None, "quantity": 99_999, "amount": "499.99"},
    "amount rounded half up": {"amount": "1.005"},
    "amount with an exponent": {"amount": "1.5e2"},
    "amount of nothing": {"price": ABSENT, "amount": 0},
    "amount empty": {"amount": " "},
    "greatest amount": {"amount": MAX_REVENUE},
    "greatest amount after rounding": {"amount": f"{MAX_REVENUE}.004"},
    "greatest price of one": {"price": ABSENT, "amount": "9999999999.99"},
    "amount of much that is dear": {"price": "9999999999.99", "quantity": MAX_QUANTITY, "amount": "5.00"},
    "amount on a view earns nothing": {"event_type": "view", "price": ABSENT, "amount": "5.00"},
    "browser given": {"anonymous_id": "b-1"},
    "currency of the shop": {"currency": CURRENCY},
    "currency in small letters": {"currency": f" {CURRENCY.lower()} "},
    "currency empty": {"currency": ""},
    "event id given": {"event_id": "abc"},
    "source given": {"source": "tracker"},
    "unknown fields": {"color": "red", "sizes": [1, {"x": None}], "big": 12345678901234567890},
    "one unknown field": {"color": "red"},
    "white space around": b" \n" + message({}) + b"\n ",
    "longest text": {"brand": "x" * MAX_TEXT},
    "text of two bytes a character": {"brand": "é" * MAX_TEXT},
}

INVALID: dict[str, Invalid] = {
    "empty message": Invalid(b"", "not_json"),
    "cut off": Invalid(b'{"event_time":"2019', "not_json"),
    "a list": Invalid(b"[1]", "not_json"),
    "a number": Invalid(b"5", "not_json"),
    "a null": Invalid(b"null", "not_json"),
    "two objects": Invalid(message({}) * 2, "not_json"),
    "something after it": Invalid(message({}) + b" x", "not_json"),
    "a list closed too often": Invalid(message({}) + b"]", "not_json"),
    "closed too often": Invalid(message({}) + b"}", "not_json"),
    "closed too often behind a nested object": Invalid(message({"size": {}}) + b"}", "not_json"),
    "two in a list": Invalid(message({}) + b",1", "not_json"),
    "single quotes": Invalid(b"{'event_time':1}", "not_json"),
    "not UTF-8": Invalid(b'{"brand":"\xff"}', "not_json"),
    "an empty object": Invalid(b"{}", "missing", "event_time"),
    "blank user": Invalid({"user_id": "  "}, "missing", "user_id"),
    "null price": Invalid({"price": None}, "missing", "price"),
    "refund of nothing known": Invalid({"event_type": "refund", "price": ABSENT}, "missing", "price"),
    "neither price nor amount": Invalid({"price": " ", "amount": " "}, "missing", "price"),
    "time without zone": Invalid({"event_time": "2019-10-01 12:00:00"}, "bad_time", "event_time"),
    "time of no calendar": Invalid({"event_time": "2019-02-30 12:00:00 UTC"}, "bad_time", "event_time"),
    "time as a number": Invalid({"event_time": 1569931200}, "bad_time", "event_time"),
    "time before the trade": Invalid({"event_time": "1989-12-31 23:59:59 UTC"}, "bad_time", "event_time"),
    "time too far ahead": Invalid({"event_time": "2019-10-02 12:30:01 UTC"}, "bad_time", "event_time"),
    "unknown type": Invalid({"event_type": "wishlist"}, "bad_type", "event_type"),
    "negative price": Invalid({"price": "-5.00"}, "bad_price", "price"),
    "price in words": Invalid({"price": "free"}, "bad_price", "price"),
    "price in words behind a minus": Invalid({"price": "-free"}, "bad_price", "price"),
    "price with a comma": Invalid({"price": "19,99"}, "bad_price", "price"),
    "price NaN": Invalid({"price": "NaN"}, "bad_price", "price"),
    "price in other digits": Invalid({"price": "٣"}, "bad_price", "price"),
    "price of eleven digits": Invalid({"price": "12345678901.00"}, "bad_price", "price"),
    "price rounded to eleven digits": Invalid({"price": "9999999999.995"}, "bad_price", "price"),
    "no quantity": Invalid({"quantity": 0}, "bad_quantity", "quantity"),
    "half a quantity": Invalid({"quantity": 1.5}, "bad_quantity", "quantity"),
    "too many": Invalid({"quantity": MAX_QUANTITY + 1}, "bad_quantity", "quantity"),
    "too much for one purchase": Invalid(
        {"price": f"{MAX_REVENUE // MAX_QUANTITY}.01", "quantity": f"{MAX_QUANTITY}.0"}, "bad_quantity", "quantity"
    ),
    "too much for one refund": Invalid(
        {"event_type": "refund", "price": f"{MAX_REVENUE // MAX_QUANTITY}.01", "quantity": MAX_QUANTITY},
        "bad_quantity",
        "quantity",
    ),
    "negative amount": Invalid({"amount": "-5.00"}, "bad_amount", "amount"),
    "amount of minus nothing": Invalid({"amount": "-0"}, "bad_amount", "amount"),
    "amount in words": Invalid({"amount": "free"}, "bad_amount", "amount"),
    "amount over the greatest": Invalid({"amount": f"{MAX_REVENUE}.005"}, "bad_amount", "amount"),
    "amount of seventeen digits": Invalid({"amount": "1" * 17}, "bad_amount", "amount"),
    "amount that makes too large a price": Invalid({"price": ABSENT, "amount": "9999999999.995"}, "bad_amount", "amount"),
    "amount of two that makes too large a price": Invalid(
        {"price": ABSENT, "amount": "19999999999.99", "quantity": 2}, "bad_amount", "amount"
    ),
    "bad price beside an amount": Invalid({"price": "free", "amount": "5.00"}, "bad_price", "price"),
    "other currency": Invalid({"currency": "EUR"}, "bad_currency", "currency"),
    "currency in words": Invalid({"currency": "US dollar"}, "bad_currency", "currency"),
    "currency in letters that only look alike": Invalid({"currency": "U\u017fD"}, "bad_currency", "currency"),
    "long browser": Invalid({"anonymous_id": "x" * (MAX_TEXT + 1)}, "too_long", "anonymous_id"),
    "long brand": Invalid({"brand": "x" * (MAX_TEXT + 1)}, "too_long", "brand"),
    "longest wrong price that is shown whole": Invalid({"price": "x" * 60}, "bad_price", "price"),
    "long wrong price": Invalid({"price": "x" * 500}, "bad_price", "price"),
    "first of two reasons": Invalid({"event_type": "x", "price": "-1"}, "bad_type", "event_type"),
}
