"""The reader, which is SQL of DuckDB, against an independent reading of each message in plain Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.events.examples import ABSENT, BASE, CURRENCY, INVALID, RECEIVED, VALID, message
from cdp.events.fields import FIELD_NAMES, MAX_QUANTITY, MAX_TEXT, Bounds
from cdp.events.reading import EventReader
from tests.cdp.events.batches import list_results, make_batch
from tests.cdp.events.poison import POISON
from tests.examples import limit_examples
from tests.oracle.messages import Event, Refusal, read_message

SHOP = Bounds(currency=CURRENCY)
#: Texts at the limits of the contract. Hypothesis adds random ones.
EDGES = (
    "", " ", "\u00a0", "\t", "a\u0000b", "x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "é" * MAX_TEXT, "😀" * MAX_TEXT, "٣",
    "0", "-0", "-0.0", "+1", "1.", ".5", ".", "1e2", "1E-2", "1e99", "-1e5", "1,5", "1_000", "-x", "-+1", "+-1",
    "0x10", "2.0", "2.5", "2\u2028", "2\u0085", "0e99", "0e-99", "1e-99", "9e9", "9e10", "1e12", "1e13", "1e16", "1e28", "1e37",
    "9999999999.99", "9999999999.994", "9999999999.995", "1" * 30, "1" * 31, "0" * 20 + "1", "0" * 29 + "1e9", "NaN", "Infinity",
    "1000000000000.004", "1000000000000.005", "9999999999999999.99", "9999999999999999.995", "9" * 16, "9" * 17, "9" * 30,
    "0.005", "0.0049999999999999999999999999999999999999999999999999", "123456789012345678901234567890e-25",
    str(MAX_QUANTITY), str(MAX_QUANTITY + 1), "000000001", "0000000001", "999999999", "view", "VIEW", " view ",
    "USD", " usd ", "EUR", "U\u017fD", "USD\u2028", "USDX", "US",
    "2019-10-01 12:00:00 UTC", "2019-10-01T12:00:00Z", "2019-10-01T12:00:00.123456789Z", "2019-10-01T12:00:00Z\u2029",
    "2019-10-01T12:00:00.1234567891Z", "2019-10-01T12:00:00.Z", "2019-10-01T12:00:00+2", "2019-10-01T12:00:00+02:0",
    "2019-10-01T12:00:00+02", "2019-10-01 12:00:00+0200", "2019-10-01T00:00:00+18:00", "2019-10-01T00:00:00+19:00",
    "2019-10-01T12:00:00-18", "2019-10-01T12:00:00+18:01", "2019-10-01T12:00:00+1759", "2019-10-01T12:00:00+02:60",
    "2019-10-01T24:00:00Z", "2019-10-01T12:60:00Z", "2019-10-01T23:59:60Z", "2019-02-29T00:00:00Z", "2020-02-29T00:00:00Z",
    "2000-02-29T00:00:00 Z", "2100-02-29T00:00:00Z", "2019-00-01T00:00:00Z", "2019-13-01T00:00:00Z", "2019-04-31T00:00:00Z",
    "2019-10-02 12:30:00 UTC", "2019-10-02 12:30:01 UTC", "2019-10-02 12:30:00.000001 UTC", "2019-10-02 12:30:00.0000009 UTC",
    "0000-01-01T00:00:00Z", "0000-02-29T00:00:00Z", "0000-02-30T00:00:00Z", "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-18:00", "1989-12-31T23:59:59Z", "1989-12-31T23:59:59.999999999Z",
    "1989-12-31T23:59:59-01:00", "1990-01-01T00:30:00+01:00", "2019-10-01 12:00:00  UTC", "2019-10-01 12:00:00 utc",
    "A.B.C.D", ".", "..a", "a. .b", "ÀÉ ẞ", "İΑΣ ΣΑΣ", "Σ", "Ǆ ǅ", "\U00010400", "a\u200bb", "\ufeffa", "'; --",
    "\\", '"', "a\\nb",
)  # fmt: skip
#: JSON values as they may be written in a message.
WRITTEN = (
    "1.10", "1e2", "1E2", "-0", "-0.0", "0.0", "1e-5", "1e-6", "1e20", "5e-324", "1e308", "0e99", "1E400", "-1e400", "1e-400",
    "1e21", "1.5e-7", "123456789.123456789123", "9007199254740993", "9007199254740993.0", "18446744073709551616",
    "-9223372036854775809", "12345678901234567890123", "0.1e1", "01", "1.", ".5", "+1", "-", "NaN", "-Infinity", "nul", "True",
    "true", "false", "null", "[]", "[ 1 , 2.50 ]", '{"a" : 1.50, "b":[null, "é\\u00e9"]}', '{"a":1,"a":2}', "[1,]", "{,}",
    '"\\ud800"', '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', '"\\\\ud800"', '["\\ud800x"]', '{"\\ud83d\\ude00":"\\udc00"}',
    '"\\\\ud83d\\ude00"', '"\\u0000"', '"\\n\\u007f x  y\\t"', '" a  b "', '"a\x7fb"', '"\\/\\b\\f"', '"\\u00A0"',
    '"\\x"', '"\\u12g4"', '"a\tb"',
    '["\\n\\u0001\\u001f"]', '{"k":"\\u007f  \\t"}', '"NaN, ]"', '"a" "b"', "// x\n1", "0x1f", "'a'", "1 2", "9" * 5000,
)  # fmt: skip


@cache
def make_reader(bounds: Bounds) -> EventReader:
    return EventReader(bounds)


def read(lines: Sequence[bytes | None], bounds: Bounds = SHOP) -> list[Event | Refusal]:
    return list_results(make_reader(bounds).read(make_batch(*lines)))


def find_differences(lines: Sequence[bytes | None], bounds: Bounds = SHOP) -> list[Any]:
    results = zip(lines, read(lines, bounds), strict=True)
    return [(line, result, expected) for line, result in results if result != (expected := read_message(line, RECEIVED, bounds))]


def write_with(field: str, json_text: str) -> bytes:
    """The base event with this JSON as the field's value."""
    return message({field: "?"}).replace(b'"?"', json_text.encode())


def list_edges() -> list[bytes]:
    lines = [message({field: edge}) for field, edge in product(FIELD_NAMES, EDGES)]
    lines += [message({"price": ABSENT, "amount": edge}) for edge in EDGES]
    return lines + [json.dumps(BASE | {field: edge}, ensure_ascii=False).encode() for field, edge in product(BASE, EDGES)]


def list_written() -> list[bytes]:
    return [write_with(field, text) for field, text in product((*FIELD_NAMES, "other"), WRITTEN)]


EXAMPLES = [message(content) for content in VALID.values()] + [message(bad.content) for bad in INVALID.values()]

HOSTILE = {name: line for name, (line, _, _) in POISON.items()}
#: Whole messages that are easily read as something else.
WHOLE: list[bytes | None] = [
    None,
    *(message({})[:-1] + more + b"}" for more in (
        b',"brand":"other"', b',"brand":null', b',"quantity":null,"quantity":7', b',"a":1,"a":2', b',"a":null',
        b',"a":null,"a":2',
        b',"a":"x\\ud800","b\\ud800":1', b',"b":{"a":1,"a":2}', b',"":1', b',"z":1,"a":2,"Z":{"b":1,"a":"\\u0000"}',
        b',"\\u0061mount":"5"', b',"amount\\u0000":"5"', b',"a.b":1,"$.c":2,"*":3,"/d":4', b',"a\\"b":1', b',"brand ":1',
        b',"a":" x  \\n y "', b',"a":[1.10,{"b":1e2}],"c":-0.0', b',"a":' + b"[" * 900 + b"]" * 900, b',"a":1}{"b":2',
        b',"d":9007199254740993,"e":12345678901234567890123,"f":123456789.123456789123', b',' * 2, b'"a":1',
    )),
    b'{"brand":null,' + message({})[1:], b'{"amount":" ",' + message({"amount": "5"})[1:],
    b'{"currency":"EUR",' + message({})[1:],
]  # fmt: skip


#: Members that may change how the rest of a message is read: texts of messages with escapes are cleaned, half a surrogate pair
#: is no character, and the last one looks like bad JSON.
ENDINGS = ("", ',"end":"\\n"', ',"end":"\\ud800"', ',"end":"NaN, ]"')


def end_with(line: bytes, ending: str) -> bytes:
    return line[:-1] + ending.encode() + b"}"


def test_the_examples_and_hostile_messages() -> None:
    assert find_differences(EXAMPLES) == []
    assert [name for name, line in HOSTILE.items() if find_differences([line])] == []
    assert len(HOSTILE) >= len(POISON) - 3


@pytest.mark.parametrize("ending", ENDINGS)
def test_whole_messages(ending: str) -> None:
    assert find_differences([end_with(line, ending) if line else line for line in WHOLE]) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_field_with_every_edge(ending: str) -> None:
    assert find_differences([end_with(line, ending) for line in list_edges()]) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_field_with_every_way_to_write_a_value(ending: str) -> None:
    assert find_differences([end_with(line, ending) for line in list_written()]) == []


def test_the_greatest_worth_of_a_purchase() -> None:
    prices = ["1e7", "10000000.004", "10000000.005", "9999999999.99", "-1", "1e-2"]
    quantities = ["100", "101", "1e5", " 100000 ", "+100000.", "100000.5", None]
    cases = list(product(("purchase", "refund", "cart", "sale"), prices, quantities))
    lines = [message({"event_type": kind, "price": price, "quantity": quantity}) for kind, price, quantity in cases]
    assert find_differences(lines) == []
    refused = [case for case, result in zip(cases, read(lines), strict=True) if getattr(result, "field", "") == "quantity"]
    # For purchases and refunds, 10,000,000.005 becomes 10,000,000.01, and 100,000 units of it are too much, as are 101 units of
    # the highest price.
    assert refused == [
        (kind, price, quantity)
        for kind, price, quantity in cases
        if (kind != "sale" and price != "-1" and quantity in ("1e5", "100000.5"))
        or (kind in ("purchase", "refund") and price == "10000000.005" and quantity in (" 100000 ", "+100000."))
        or (kind in ("purchase", "refund") and price == "9999999999.99" and quantity in ("101", " 100000 ", "+100000."))
    ]


def test_the_limits_of_an_amount() -> None:
    amounts = [
        "1e12", "1000000000000.004", "1000000000000.005", "9999999999.99", "9999999999.994", "9999999999.995", "19999999999.98",
        "19999999999.99", "999999999999.99", "1e10", "1e16", "9" * 16, "9" * 30, "-1", "x", "0", "0.005", "1",
    ]  # fmt: skip
    cases = product(
        ("purchase", "refund", "view"), ["1", "x", "", ABSENT], amounts, ["2", "1", "3", " 1e1", "100.", "99999", None]
    )
    lines = [
        message({"event_type": kind, "price": price, "amount": amount, "quantity": quantity})
        for kind, price, amount, quantity in cases
    ]
    assert find_differences(lines) == []


@pytest.mark.parametrize("currency", ["", "USD", "VND", "eur"])
def test_currencies(currency: str) -> None:
    texts = ["", " ", "USD", "usd", " Usd\t", "EUR", "eur", "VND", "VN", "VNDD", "U\u017fD", "\u212aRW", "ＵＳＤ", "x" * 300]
    lines = [message({"currency": text}) for text in texts] + [message({}), message({"currency": None})]
    assert find_differences(lines, Bounds(currency=currency)) == []


#: Bounds other than the default -> texts of each field beside them.
BOUNDS: dict[Bounds, dict[str, list[Any]]] = {
    Bounds(max_text=1): {"brand": ["", "a", "ab", "😀", "é", "éa", " a "], "category_code": ["."]},
    Bounds(max_text=500): {"brand": ["x" * 500, "x" * 501, "😀" * 500], "anonymous_id": ["x" * 501]},
    Bounds(max_quantity=1): {"quantity": ["0", "1", "2", "1.0", None]},
    Bounds(max_quantity=1_000_000): {"quantity": ["100001", "1000000", "1000001"], "price": ["1000000", "9999999999.99"]},
    Bounds(earliest_day="1900-01-01"): {
        "event_time": ["1900-01-01T00:00:00Z", "1899-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.5Z"],
    },
    Bounds(earliest_day="2019-10-01"): {
        "event_time": ["2019-10-01T00:00:00Z", "2019-10-01T01:00:00+01:00", "2019-10-01T00:59:59+01:00"],
    },
    Bounds(earliest_day="2100-01-01"): {"event_time": ["2019-10-01T00:00:00Z", "2100-01-01T00:00:00Z"]},
    Bounds(max_ahead_hours=0): {
        "event_time": ["2019-10-01T12:30:00Z", "2019-10-01T12:30:00.000001Z", "2019-10-01T14:30:00+02:00"],
    },
    Bounds(max_ahead_hours=87_600): {
        "event_time": ["2029-09-28T12:30:00Z", "2029-09-28T12:30:01Z", "9999-12-31T23:59:59Z"],
    },
    Bounds(300, 5, "1980-01-01", 48, "VND"): {"brand": ["x" * 300], "quantity": [5, 6], "currency": ["vnd", "USD"]},
}  # fmt: skip


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
def test_other_bounds(bounds: Bounds) -> None:
    singles = [{field: text} for field, texts in BOUNDS[bounds].items() for text in texts]
    pairs = [one | two for one, two in product(singles, repeat=2)]
    assert find_differences([message(changes) for changes in (*singles, *pairs)] + EXAMPLES, bounds) == []


def test_a_message_gives_the_same_result_alone_and_among_others_in_any_order() -> None:
    random = Random(24)
    lines = [*EXAMPLES, *WHOLE, *(line for line in HOSTILE.values() if len(line) < 10_000)]
    lines += random.sample(list_edges(), 150) + random.sample(list_written(), 100)
    assert len(lines) > 400
    alone = [read([line])[0] for line in lines]
    for _ in range(5):
        order = random.sample(range(len(lines)), len(lines))
        assert read([lines[place] for place in order]) == [alone[place] for place in order]


MONEY = r"\A[+-]?([0-9]{1,14}(\.[0-9]{0,4})?|\.[0-9]{1,4})([eE][+-]?[0-9]{1,2})?\Z"
VALUES: st.SearchStrategy[Any] = (
    st.sampled_from(EDGES)
    | st.from_regex(MONEY, alphabet=st.characters(codec="ascii"))
    | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.recursive(
        st.none() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=4,
    )
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*FIELD_NAMES, "other"]) | st.text(max_size=3), VALUES | st.just(ABSENT), max_size=4)


def write_plainly(changes: dict[str, Any]) -> bytes:
    """Without escapes, except those that JSON asks for."""
    content = {key: value for key, value in (BASE | changes).items() if value is not ABSENT}
    return json.dumps(content, ensure_ascii=False).encode()


def break_line(line: bytes, place: float, length: int, piece: bytes) -> bytes:
    start = int(place * len(line))
    return line[:start] + piece + line[start + length :]


WELL_FORMED = st.builds(end_with, CHANGES.map(message) | CHANGES.map(write_plainly), st.sampled_from(ENDINGS))
PIECES = st.sampled_from(
    [b"", b'"', b"}", b"{", b",", b":", b"\\", b"\xff", b"\x00", b"1", b" ", b"\n", b"null", b"[", b"\\ud800"]
)
MESSAGES = (
    WELL_FORMED
    | st.builds(break_line, WELL_FORMED, st.floats(0, 1), st.integers(0, 2), PIECES)
    | st.binary(max_size=30)
    | st.text(max_size=20).map(str.encode)
)


@settings(max_examples=limit_examples(100), deadline=None)
@given(st.lists(MESSAGES, max_size=40))
def test_random_messages(lines: list[bytes]) -> None:
    assert find_differences(lines) == []
