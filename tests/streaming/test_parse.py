"""The parser: which messages are good events and what they become, and which are refused, with reason and detail."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row

from cdp.events import EVENT_TYPES, FIELDS, REASONS
from cdp.events.examples import ABSENT, BASE, CURRENCY, INVALID, VALID, message
from cdp.events.fields import MAX_QUANTITY, MAX_TEXT, Bounds
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE
from cdp.spark import lake_schema
from streaming.events.parse import parse, select_events, select_refusals
from tests.spark_session import utc
from tests.streaming.conftest import Messages, Value

pytestmark = pytest.mark.spark

#: Valid example of the contract -> columns of its event.
BECOMES: dict[str, dict[str, Any]] = {
    "as the shop sends it": {
        "event_time": utc(2019, 10, 1, 12, 0),
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
        "received_at": utc(2019, 10, 1, 12, 30),
        "kafka_topic": "events.raw",
        "kafka_partition": 0,
        "kafka_offset": 0,
    },
    "time with Z": {"event_time": utc(2019, 10, 1, 12, 0)},
    "time with offset": {"event_time": utc(2019, 9, 30, 22, 30), "event_day": date(2019, 9, 30)},
    "time with short offset": {"event_time": utc(2019, 10, 1, 15, 30)},
    "time with fraction": {"event_time": utc(2019, 10, 1, 12, 0, 0, 250_000)},
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


@pytest.fixture(scope="module")
def parsed(messages: Messages) -> dict[str, Row]:
    """All examples of the contract, parsed in one Spark job instead of one job per example."""
    sent = {
        **{name: message(content) for name, content in VALID.items()},
        **{name: message(bad.content) for name, bad in INVALID.items()},
    }
    rows = parse(messages(*sent.values()), Bounds(currency=CURRENCY)).collect()
    return {name: rows[place] for place, name in enumerate(sent)}


@pytest.mark.parametrize("name", VALID)
def test_valid_example_becomes_an_event(parsed: dict[str, Row], name: str) -> None:
    row, expected = parsed[name].asDict(), BECOMES[name]
    assert row["refusal"] is None
    assert {column: row[column] for column in expected} == expected


@pytest.mark.parametrize("name", INVALID)
def test_invalid_example_is_refused_with_its_reason(parsed: dict[str, Row], name: str) -> None:
    bad, refusal = INVALID[name], parsed[name].refusal
    assert (refusal.reason, refusal.field) == (bad.reason, bad.field)
    assert refusal.detail == (FIXED_DETAILS.get(bad.reason) or DETAILS[name])
    assert bytes(parsed[name].payload) == message(bad.content), "the payload is unchanged"


def test_a_message_without_a_value_is_refused(messages: Messages) -> None:
    (row,) = select_refusals(parse(messages(None))).collect()
    assert (row.reason, row.field, row.detail, row.payload) == ("not_json", None, "it is not one JSON object", None)


def test_every_reason_of_the_contract_has_an_example() -> None:
    assert {bad.reason for bad in INVALID.values()} == {reason.code for reason in REASONS}


def test_every_type_of_the_contract_is_accepted(messages: Messages) -> None:
    rows = select_events(parse(messages(*({"event_type": kind} for kind in EVENT_TYPES)))).collect()
    assert [row.event_type for row in rows] == list(EVENT_TYPES)


def test_every_required_field_is_required(messages: Messages) -> None:
    required = [field.name for field in FIELDS if field.required]
    rows = select_refusals(parse(messages(*({name: ABSENT} for name in required)))).collect()
    assert [(row.reason, row.field) for row in rows] == [("missing", name) for name in required]
    assert {row.detail for row in rows} == {"it is missing or empty"}


def test_without_a_currency_in_the_bounds_any_is_accepted(messages: Messages) -> None:
    assert select_refusals(parse(messages({"currency": "EUR"}, {"currency": "x" * (MAX_TEXT + 1)}))).isEmpty()


def test_good_and_refused_have_the_columns_of_their_tables(messages: Messages) -> None:
    parsed = parse(messages({}, b"x"))
    assert select_events(parsed).dtypes == [(field.name, field.dataType.simpleString()) for field in lake_schema(EVENTS_TABLE)]
    assert select_refusals(parsed).dtypes == [
        (field.name, field.dataType.simpleString()) for field in lake_schema(QUARANTINE_TABLE)
    ]


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


def test_same_row_in_another_notation_has_the_same_id(messages: Messages) -> None:
    base, *rows = select_events(parse(messages({}, *SAME.values()))).collect()
    assert {name: row.event_id for name, row in zip(SAME, rows, strict=True)} == dict.fromkeys(SAME, base.event_id)


def test_other_row_has_another_id(messages: Messages) -> None:
    rows = select_events(parse(messages({}, *OTHER.values()))).collect()
    assert len({row.event_id for row in rows}) == 1 + len(OTHER)


def test_id_is_stable_over_releases(messages: Messages) -> None:
    """The ids are fixed here: if they changed, every event that arrives a second time would count twice."""
    plain, with_amount = select_events(parse(messages({}, {"amount": "130.76"}))).collect()
    assert plain.event_id == "d11eee21c0b42dd142f40897a73b8069"
    assert with_amount.event_id == "89b20b0f8e5ac026d7430b26f7f3598a"


def test_a_price_computed_from_an_amount_counts_in_the_id_like_one_in_the_message(messages: Messages) -> None:
    amount = {"quantity": 3, "amount": "20.00"}
    computed, same, other = select_events(
        parse(messages({"price": None, **amount}, {"price": "6.67", **amount}, {"price": "6.66", **amount}))
    ).collect()
    assert computed.event_id == same.event_id != other.event_id


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.recursive(
                st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
            ).map(lambda value: json.dumps(value).encode()),
            st.dictionaries(
                st.sampled_from([*BASE, "quantity", "order_id", "amount", "event_id", "currency", "other"]),
                st.none()
                | st.booleans()
                | st.floats()
                | st.integers()
                | st.text(max_size=250)
                | st.lists(st.integers(), max_size=2),
            ),
        ),
        min_size=50,
        max_size=100,
    )
)
def test_every_message_is_an_event_or_refused_and_never_both(messages: Messages, values: list[Value]) -> None:
    parsed = parse(messages(*values)).persist()
    events, refusals = select_events(parsed).collect(), select_refusals(parsed).collect()
    parsed.unpersist()
    assert sorted(row.kafka_offset for row in (*events, *refusals)) == list(range(len(values)))
    for event in events:
        assert event.event_type in EVENT_TYPES
        assert event.price >= 0
        assert 1 <= event.quantity <= MAX_QUANTITY
        assert event.event_id
        assert event.user_id.strip() == event.user_id != ""
