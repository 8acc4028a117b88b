"""Hostile messages: each with the reason of its refusal and the field."""

from __future__ import annotations

from cdp.events.examples import message

GOOD = message({})
DEEP = 20_000
MEGABYTE = 1 << 20


def with_price(text: str) -> bytes:
    """The base event with this text as its price, unquoted."""
    return message({"price": "?"}).replace(b'"?"', text.encode())


#: Name -> the payload, the reason of its refusal and the field.
POISON: dict[str, tuple[bytes, str, str | None]] = {
    "nothing": (b"", "not_json", None),
    "white space": (b" \t\r\n ", "not_json", None),
    "a word": (b"hello", "not_json", None),
    "a null": (b"null", "not_json", None),
    "a number": (b"1e308", "not_json", None),
    "a text": (b'"{}"', "not_json", None),
    "a list of an event": (b"[" + GOOD + b"]", "not_json", None),
    "an empty list": (b"[]", "not_json", None),
    "CSV": (b"2019-10-01 00:00:00 UTC,view,1,2,,,9.5,u1,s1", "not_json", None),
    "XML": (b"<event><price>1</price></event>", "not_json", None),
    "a page": (b"<!doctype html><script>alert(1)</script>", "not_json", None),
    "cut off": (GOOD[:-5], "not_json", None),
    "cut off within a character": (message({"brand": "é"}).replace(b"\\u00e9", b"\xc3"), "not_json", None),
    "twice": (GOOD + GOOD, "not_json", None),
    "twice on two lines": (GOOD + b"\n" + GOOD, "not_json", None),
    "with something behind it": (GOOD + b"}", "not_json", None),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "not_json", None),
    "UTF-16": (GOOD.decode().encode("utf-16"), "not_json", None),
    "Latin-1": (message({"brand": "?"}).replace(b"?", b"\xe9"), "not_json", None),
    "overlong UTF-8": (message({"brand": "?"}).replace(b"?", b"\xc0\xaf"), "not_json", None),
    "a surrogate in UTF-8": (message({"brand": "?"}).replace(b"?", b"\xed\xa0\x80"), "not_json", None),
    "null bytes": (b"\x00" * 100, "not_json", None),
    "a null byte within": (message({"brand": "?"}).replace(b"?", b"\x00"), "not_json", None),
    "random bytes": (bytes(range(256)) * 4, "not_json", None),
    "gzip": (bytes.fromhex("1f8b0800000000000003") + b"\x00" * 20, "not_json", None),
    "single quotes": (GOOD.replace(b'"', b"'"), "not_json", None),
    "a comma too many": (GOOD[:-1] + b",}", "not_json", None),
    "a comment": (b"/* */" + GOOD, "not_json", None),
    "an unquoted name": (GOOD.replace(b'"price"', b"price"), "not_json", None),
    "a bare NaN": (with_price("NaN"), "not_json", None),
    "a bare Infinity": (with_price("-Infinity"), "not_json", None),
    "a number with a leading zero": (with_price("01.5"), "not_json", None),
    "lists in lists": (b"[" * DEEP + b"]" * DEEP, "not_json", None),
    "lists in lists in an object": (b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}", "not_json", None),
    "one level too many": (GOOD[:-1] + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}", "not_json", None),
    "a byte order mark within the bracket": (b"{\xef\xbb\xbf" + GOOD[1:], "not_json", None),
    "a bracket in a text that does not end": (b'{"a":"}', "not_json", None),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), "not_json", None),
    "objects in objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "not_json", None),
    "ten megabytes of nothing known": (b'{"a":"' + b"x" * 10 * MEGABYTE + b'"}', "missing", "event_time"),
    "a brand of ten megabytes": (message({"brand": "x" * 10 * MEGABYTE}), "too_long", "brand"),
    "an empty object": (b"{}", "missing", "event_time"),
    "another program's message": (b'{"level":"info","msg":"started"}', "missing", "event_time"),
    "names in capitals": (GOOD.upper(), "missing", "event_time"),
    "a list for a customer": (message({"user_id": ["u1"], "price": "x"}), "bad_price", "price"),
    "a customer of spaces": (message({"user_id": " \t "}), "missing", "user_id"),
    "an object for a time": (message({"event_time": {"$date": 0}}), "bad_time", "event_time"),
    "a time of the year 9999": (message({"event_time": "9999-12-31 23:59:59 UTC"}), "bad_time", "event_time"),
    "a time before the calendar": (message({"event_time": "0000-00-00 00:00:00 UTC"}), "bad_time", "event_time"),
    "a time of five digits": (message({"event_time": "+12019-10-01T00:00:00Z"}), "bad_time", "event_time"),
    "a time with a leap second": (message({"event_time": "2019-10-01 23:59:60 UTC"}), "bad_time", "event_time"),
    "a negative price": (with_price("-0.01"), "bad_price", "price"),
    "a price of 1e308": (with_price("1e308"), "bad_price", "price"),
    "a price of nine hundred digits": (with_price("9" * 900), "bad_price", "price"),
    "a price of five thousand digits": (with_price("9" * 5000), "bad_price", "price"),
    "a price with a hundred decimals and a letter": (message({"price": "1." + "0" * 100 + "x"}), "bad_price", "price"),
    "a true price": (with_price("true"), "bad_price", "price"),
    "SQL for a type": (message({"event_type": "view'; DROP TABLE events; --"}), "bad_type", "event_type"),
    "a type from right to left": (message({"event_type": "\u202eweiv"}), "bad_type", "event_type"),
    "a quantity of 2147483648": (message({"quantity": 2147483648}), "bad_quantity", "quantity"),
    "a quantity of minus nothing": (message({"quantity": "-0"}), "bad_quantity", "quantity"),
    "another currency than the setting's": (message({"currency": "EUR"}), "bad_currency", "currency"),
    "an amount that the sums could not hold": (message({"price": None, "amount": "9" * 16}), "bad_amount", "amount"),
    "an amount of 1e308": (message({"amount": 1e308}), "bad_amount", "amount"),
    "a quantity in words": (message({"quantity": "a dozen"}), "bad_quantity", "quantity"),
}
