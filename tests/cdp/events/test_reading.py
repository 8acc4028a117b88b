"""The reader: which messages are good events and what they become, and which are refused, with reason and detail."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cdp.events import EVENT_TYPES, FIELDS, REASONS
from cdp.events.examples import ABSENT, CURRENCY, INVALID, RECEIVED, VALID, Content, message
from cdp.events.fields import MAX_QUANTITY, MAX_TEXT, Bounds
from cdp.events.reading import EVENTS_SCHEMA, MESSAGES_SCHEMA, REFUSALS_SCHEMA, EventReader, ReadMessages
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS
from tests.cdp.events.batches import make_batch

#: Valid example of the contract -> columns of its event.
BECOMES: dict[str, dict[str, Any]] = {
    "as the shop sends it": {
        "event_time": datetime(2019, 10, 1, 12, 0, tzinfo=UTC),
        "event_day": date(2019, 10, 1),
        "event_type": "purchase",
        "product_id": "1004856",
        "category_id": "2053013555631882655",
        "category_code": "electronics.smartphone",
        "category_1": "electronics",
        "category_2": "smartphone",
        "category_3": None,
        "brand": "samsung",
        "price": Decimal("130.76"),
        "quantity": 1,
        "amount": None,
        "revenue": Decimal("130.76"),
        "user_id": "513042592",
        "anonymous_id": None,
        "user_session": "0b7e2a3c",
        "order_id": "s:0b7e2a3c",
        "source": None,
        "extra": None,
        "received_at": datetime(2019, 10, 1, 12, 30, tzinfo=UTC),
        "kafka_topic": "events.raw",
        "kafka_partition": 0,
        "kafka_offset": 0,
    },
    "time with Z": {"event_time": datetime(2019, 10, 1, 12, 0, tzinfo=UTC)},
    "time with offset": {"event_time": datetime(2019, 9, 30, 22, 30, tzinfo=UTC), "event_day": date(2019, 9, 30)},
    "time with short offset": {"event_time": datetime(2019, 10, 1, 15, 30, tzinfo=UTC)},
    "time with fraction": {"event_time": datetime(2019, 10, 1, 12, 0, 0, 250_000, tzinfo=UTC)},
    "time just so far ahead": {"event_day": date(2019, 10, 2)},
    "first time": {"event_day": date(1990, 1, 1)},
    "numbers as JSON numbers": {
        "product_id": "1234567890123456789",
        "user_id": "513042592",
        "price": Decimal("130.76"),
        "quantity": 2,
    },
    "product with leading zeros": {"product_id": "0001"},
    "price of a binary fraction": {"price": Decimal("17.99")},
    "price rounded half up": {"price": Decimal("1.01")},
    "price of nothing": {"price": Decimal("0.00"), "revenue": Decimal("0.00")},
    "price with an exponent": {"price": Decimal("150.00")},
    "greatest price": {"price": Decimal("9999999999.99")},
    "greatest revenue": {"revenue": Decimal("1000000000000.00")},
    "many looked at earn nothing": {"price": Decimal("9999999999.99"), "quantity": MAX_QUANTITY, "revenue": None},
    "quantity as text": {"quantity": 3, "revenue": Decimal("392.28")},
    "quantity of a column with gaps": {"quantity": 2},
    "quantity null": {"quantity": 1, "extra": None},
    "quantity empty": {"quantity": 1},
    "a view earns nothing": {"revenue": None, "order_id": None},
    "brand in lower case": {"brand": "acme"},
    "empty text is no text": {"brand": None, "category_code": None, "category_1": None, "user_session": None},
    "control characters are white space": {"brand": "a b"},
    "four levels": {"category_1": "a", "category_2": "b", "category_3": "c"},
    "level left empty": {"category_1": "a", "category_2": None, "category_3": "c"},
    "order given": {"order_id": "77"},
    "order without a session": {"order_id": "e:e1"},
    "refund with a price": {"event_type": "refund", "revenue": Decimal("-261.52"), "order_id": "77", "amount": None},
    "refund with an amount": {"price": Decimal("19.99"), "amount": Decimal("19.99"), "revenue": Decimal("-19.99")},
    "refund of no order": {"revenue": Decimal("-130.76"), "order_id": None},
    "amount beside a price": {"price": Decimal("0.13"), "amount": Decimal("1.00"), "revenue": Decimal("1.00"), "extra": None},
    "amount without a price": {"price": Decimal("6.67"), "revenue": Decimal("20.00")},
    "price of one rounded half up": {"price": Decimal("0.13")},
    "price of one just below the half": {"price": Decimal("0.00")},
    "amount rounded half up": {"price": Decimal("130.76"), "amount": Decimal("1.01"), "revenue": Decimal("1.01")},
    "amount with an exponent": {"revenue": Decimal("150.00")},
    "amount of nothing": {"price": Decimal("0.00"), "revenue": Decimal("0.00")},
    "amount empty": {"amount": None, "revenue": Decimal("130.76")},
    "greatest amount": {"revenue": Decimal("1000000000000.00")},
    "greatest amount after rounding": {"revenue": Decimal("1000000000000.00")},
    "greatest price of one": {"price": Decimal("9999999999.99")},
    "amount of much that is dear": {"price": Decimal("9999999999.99"), "revenue": Decimal("5.00")},
    "amount on a view earns nothing": {"price": Decimal("5.00"), "amount": Decimal("5.00"), "revenue": None},
    "browser given": {"anonymous_id": "b-1", "extra": None},
    "currency of the shop": {"extra": None},
    "currency in small letters": {"extra": None},
    "currency empty": {"extra": None},
    "event id given": {"event_id": "abc"},
    "source given": {"source": "tracker"},
    "unknown fields": {"extra": '{"color":"red","sizes":[1,{"x":null}],"big":12345678901234567890}'},
    "one unknown field": {"extra": '{"color":"red"}'},
    "white space around": {"product_id": "1004856"},
    "longest text": {"brand": "x" * MAX_TEXT},
    "text of two bytes a character": {"brand": "é" * MAX_TEXT},
}

#: Reasons whose detail is always the same.
FIXED_DETAILS = {"not_json": "it is not one JSON object", "missing": "it is missing or empty"}
#: Invalid example with another reason -> its detail.
DETAILS: dict[str, str] = {
    "time without zone": "'2019-10-01 12:00:00' is not a time with seconds and a zone",
    "time of no calendar": "'2019-02-30 12:00:00 UTC' is not a time with seconds and a zone",
    "time as a number": "'1569931200' is not a time with seconds and a zone",
    "time before the trade": "'1989-12-31 23:59:59 UTC' lies before 1990-01-01",
    "time too far ahead": "'2019-10-02 12:30:01 UTC' lies more than 24 hours after it was received",
    "unknown type": "'wishlist' is none of view, cart, remove_from_cart, purchase, refund",
    "negative price": "'-5.00' is negative",
    "price in words": "'free' is not a number",
    "price in words behind a minus": "'-free' is not a number",
    "price with a comma": "'19,99' is not a number",
    "price NaN": "'NaN' is not a number",
    "price in other digits": "'\N{ARABIC-INDIC DIGIT THREE}' is not a number",
    "price of eleven digits": "'12345678901.00' has more than ten digits before the point",
    "price rounded to eleven digits": "'9999999999.995' has more than ten digits before the point",
    "no quantity": f"'0' is not a whole number from 1 to {MAX_QUANTITY}",
    "half a quantity": f"'1.5' is not a whole number from 1 to {MAX_QUANTITY}",
    "too many": f"'{MAX_QUANTITY + 1}' is not a whole number from 1 to {MAX_QUANTITY}",
    "too much for one purchase": f"'{MAX_QUANTITY}.0' times the price is more than 1,000,000,000,000",
    "too much for one refund": f"'{MAX_QUANTITY}' times the price is more than 1,000,000,000,000",
    "negative amount": "'-5.00' is negative",
    "amount of minus nothing": "'-0' is negative",
    "amount in words": "'free' is not a number",
    "amount over the greatest": "'1000000000000.005' is more than 1,000,000,000,000",
    "amount of seventeen digits": f"'{'1' * 17}' is more than 1,000,000,000,000",
    "amount that makes too large a price": "'9999999999.995' makes a price of more than ten digits before the point",
    "amount of two that makes too large a price": "'19999999999.99' makes a price of more than ten digits before the point",
    "bad price beside an amount": "'free' is not a number",
    "other currency": "'EUR' is not USD, the shop's currency",
    "currency in words": "'US dollar' is not USD, the shop's currency",
    "currency in letters that only look alike": "'U\u017fD' is not USD, the shop's currency",
    "long browser": f"{MAX_TEXT + 1} characters, {MAX_TEXT} at most",
    "long brand": f"{MAX_TEXT + 1} characters, {MAX_TEXT} at most",
    "longest wrong price that is shown whole": f"'{'x' * 60}' is not a number",
    "long wrong price": f"'{'x' * 60}…' is not a number",
    "first of two reasons": "'x' is none of view, cart, remove_from_cart, purchase, refund",
}

#: Type of a lake column -> its Arrow type.
ARROW = {
    "string": pa.string(),
    "binary": pa.binary(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "decimal(12,2)": pa.decimal128(12, 2),
    "decimal(18,2)": pa.decimal128(18, 2),
}


def read(*contents: Content | None, bounds: Bounds = Bounds(currency=CURRENCY)) -> ReadMessages:  # noqa: B008
    with EventReader(bounds) as reader:
        return reader.read(make_batch(*contents))


def read_events(*contents: Content | None) -> list[dict[str, Any]]:
    result = read(*contents)
    assert result.refusals.num_rows == 0
    events: list[dict[str, Any]] = result.events.to_pylist()
    return events


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    """What the reader makes of all examples of the contract, in one batch."""
    names = [*VALID, *INVALID]
    result = read(*VALID.values(), *(bad.content for bad in INVALID.values()))
    return {names[row["kafka_offset"]]: row for row in (*result.events.to_pylist(), *result.refusals.to_pylist())}


@pytest.mark.parametrize("name", VALID)
def test_valid_example_becomes_an_event(rows: dict[str, dict[str, Any]], name: str) -> None:
    row, expected = rows[name], BECOMES[name]
    assert row.keys() == EVENTS_TABLE.columns.keys()
    assert {column: row[column] for column in expected} == expected


@pytest.mark.parametrize("name", INVALID)
def test_invalid_example_is_refused_with_its_reason(rows: dict[str, dict[str, Any]], name: str) -> None:
    bad, row = INVALID[name], rows[name]
    assert (row["reason"], row["field"]) == (bad.reason, bad.field)
    assert row["detail"] == (FIXED_DETAILS.get(bad.reason) or DETAILS[name])
    assert row["payload"] == message(bad.content), "the payload is unchanged"


def test_a_message_without_a_value_is_refused() -> None:
    (row,) = read(None).refusals.to_pylist()
    assert (row["reason"], row["field"], row["detail"], row["payload"]) == (
        "not_json",
        None,
        "it is not one JSON object",
        None,
    )


def test_every_reason_of_the_contract_has_an_example() -> None:
    assert {bad.reason for bad in INVALID.values()} == {reason.code for reason in REASONS}


def test_every_type_of_the_contract_is_accepted() -> None:
    assert [row["event_type"] for row in read_events(*({"event_type": kind} for kind in EVENT_TYPES))] == list(EVENT_TYPES)


def test_every_required_field_is_required() -> None:
    required = [field.name for field in FIELDS if field.required]
    refusals = read(*({name: ABSENT} for name in required)).refusals.to_pylist()
    assert [(row["reason"], row["field"]) for row in refusals] == [("missing", name) for name in required]
    assert {row["detail"] for row in refusals} == {"it is missing or empty"}


def test_without_a_currency_in_the_bounds_any_is_accepted() -> None:
    contents: list[Content] = [{"currency": "EUR"}, {"currency": "x" * (MAX_TEXT + 1)}]
    assert read(*contents, bounds=Bounds()).events.num_rows == 2


@pytest.mark.parametrize("contents", [({}, b"x"), ({},), (b"x",), ()], ids=["both", "events", "refusals", "nothing"])
def test_the_tables_have_the_columns_of_the_lake(contents: tuple[Content, ...]) -> None:
    result = read(*contents)
    assert (result.events.schema, result.refusals.schema) == (EVENTS_SCHEMA, REFUSALS_SCHEMA)
    types = {name: ARROW[kind] for name, kind in EVENTS_TABLE.columns.items()}
    assert dict(zip(EVENTS_SCHEMA.names, EVENTS_SCHEMA.types, strict=True)) == types
    assert EVENTS_SCHEMA.names == list(types)
    types = {name: ARROW[kind] for name, kind in QUARANTINE_TABLE.columns.items() if name not in REPLAY_COLUMNS}
    assert dict(zip(REFUSALS_SCHEMA.names, REFUSALS_SCHEMA.types, strict=True)) == types
    assert REFUSALS_SCHEMA.names == list(types)


def test_rows_say_where_and_when_a_message_was_received_in_the_order_of_the_messages() -> None:
    times = [RECEIVED + timedelta(hours=12 * place, microseconds=place) for place in range(4)]
    origins = [("a", 3, 7), ("b", 0, 2**40), ("a", 1, 6), ("a", 3, 8)]
    values = [message({}), b"x", None, message({"event_type": "view"})]
    rows = [
        dict(zip(MESSAGES_SCHEMA.names, (value, *origin, at), strict=True))
        for value, origin, at in zip(values, origins, times, strict=True)
    ]
    with EventReader() as reader:
        result = reader.read(pa.RecordBatch.from_pylist(rows, schema=MESSAGES_SCHEMA))
    columns = ("kafka_topic", "kafka_partition", "kafka_offset", "received_at")
    for table, places in ((result.events, (0, 3)), (result.refusals, (1, 2))):
        actual = [tuple(row.values()) for row in table.select(columns).to_pylist()]
        assert actual == [(*origins[place], times[place]) for place in places]
    assert result.refusals["received_day"].to_pylist() == [date(2019, 10, 2), date(2019, 10, 2)]


def test_one_reader_reads_many_batches() -> None:
    batches = [make_batch({"brand": str(place)}, b"x", first_offset=10 * place) for place in range(3)]
    with EventReader() as reader:
        results = [reader.read(batch) for batch in batches]
    assert [result.events["brand"].to_pylist() for result in results] == [["0"], ["1"], ["2"]]
    assert [result.refusals["kafka_offset"].to_pylist() for result in results] == [[1], [11], [21]]


#: JSON -> the text that it counts as.
TEXTS = {
    "1": "1", "-0": "0", "12345678901234567890123": "12345678901234567890123", "1.10": "1.1", "1e2": "100.0", "2.0": "2.0",
    "17.990000000000002": "17.990000000000002", "0.1e-4": "0.00001", "1E20": "100000000000000000000.0",
    "123456789.123456789123": "123456789.12345679",
    "true": "true", "false": "false", "null": None, '""': None, '" a  b "': "a  b", '" a \\n b "': "a b",
    '"\\ud83d\\ude00"': "😀", '"x\\ud800"': "x?", '"\\ude00\\ud83dx"': "??x", '"\\/"': "/", '"\\u00a0"': "\u00a0",
    "[1, 2.50, null, true]": "[1,2.5,null,true]", '{"a" : {"b": "é"}}': '{"a":{"b":"é"}}', "[ ]": "[]", "{ }": "{}",
}  # fmt: skip


@pytest.mark.parametrize("json_text", TEXTS)
def test_a_json_value_counts_as_a_text(json_text: str) -> None:
    line = message({"source": "?"}).replace(b'"?"', json_text.encode())
    assert [row["source"] for row in read_events(line)] == [TEXTS[json_text]]


#: Members behind the base event -> the column `extra`.
EXTRAS = {
    "": None,
    ',"brand":"other"': None,
    ',"a":null': '{"a":null}',
    ',"z":1,"a":"x"': '{"z":1,"a":"x"}',
    ',"a":1,"b":2,"a":3': '{"a":1,"b":2}',
    ',"a":1.10,"b":[1e2, 2.0]': '{"a":1.1,"b":[100.0,2.0]}',
    ',"a":" x  y ","Brand":{"k": [ ]}': '{"a":" x  y ","Brand":{"k":[]}}',
    ',"":0': '{"":0}',
    ',"b\\u0072and":"x"': None,
}


@pytest.mark.parametrize("members", EXTRAS)
def test_fields_outside_the_contract_are_kept_in_their_order(members: str) -> None:
    line = message({})[:-1] + members.encode() + b"}"
    assert [(row["extra"], row["brand"]) for row in read_events(line)] == [(EXTRAS[members], "samsung")]


SAME: dict[str, dict[str, Any]] = {
    "other writing of the time": {"event_time": "2019-10-01T14:00:00+02:00"},
    "number instead of text": {"price": 130.76, "user_id": 513042592},
    "brand in capitals": {"brand": "Samsung "},
    "default given": {"quantity": 1},
    "other source": {"source": "second import"},
    "field of no contract": {"color": "red"},
    "empty instead of absent": {"order_id": "", "amount": ""},
    "another browser": {"anonymous_id": "b-1"},
    "currency told": {"currency": CURRENCY},
}
OTHER: dict[str, dict[str, Any]] = {
    "a second later": {"event_time": "2019-10-01 12:00:01 UTC"},
    "a fraction later": {"event_time": "2019-10-01 12:00:00.1 UTC"},
    "type": {"event_type": "view"},
    "product": {"product_id": "1"},
    "category id": {"category_id": "1"},
    "category": {"category_code": "x"},
    "brand": {"brand": "x"},
    "price": {"price": "130.77"},
    "user": {"user_id": "1"},
    "session": {"user_session": "x"},
    "quantity": {"quantity": 2},
    "order": {"order_id": "1"},
    "amount": {"amount": "130.76"},
    "order that looks like no order and an amount": {"order_id": "6:130.76"},
    "refund": {"event_type": "refund"},
    "brand moved into the category": {"category_code": "electronics.smartphonesamsung", "brand": ABSENT},
    "what looks like a separator": {"category_code": "electronics.smartphone7:samsung", "brand": ABSENT},
}


def test_same_row_in_another_notation_has_the_same_id() -> None:
    base, *others = read_events({}, *SAME.values())
    assert {name: row["event_id"] for name, row in zip(SAME, others, strict=True)} == dict.fromkeys(SAME, base["event_id"])


def test_other_row_has_another_id() -> None:
    assert len({row["event_id"] for row in read_events({}, *OTHER.values())}) == 1 + len(OTHER)


def test_id_is_stable_over_releases() -> None:
    """The ids are fixed here: if they changed, every event that arrives a second time would count twice."""
    plain, with_amount = read_events({}, {"amount": "130.76"})
    assert plain["event_id"] == "d11eee21c0b42dd142f40897a73b8069"
    assert with_amount["event_id"] == "89b20b0f8e5ac026d7430b26f7f3598a"


def test_a_price_computed_from_an_amount_counts_in_the_id_like_one_in_the_message() -> None:
    amount = {"quantity": 3, "amount": "20.00"}
    computed, same, other = read_events({"price": None, **amount}, {"price": "6.67", **amount}, {"price": "6.66", **amount})
    assert computed["event_id"] == same["event_id"] != other["event_id"]
