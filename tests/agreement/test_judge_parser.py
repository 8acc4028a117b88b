"""The importer's judge, in DuckDB, and the stream's parser, in Spark, refuse the same messages for the same reasons, so a load
predicts what quarantine will hold.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp.events.examples import ABSENT, BASE, CURRENCY, INVALID, RECEIVED, VALID, message
from cdp.events.fields import MAX_QUANTITY, MAX_TEXT, Bounds
from cdp.settings import current
from source_server.intake import judge_messages
from source_server.intake.repeated import compute_row_id
from streaming.events.parse import parse
from tests.spark_session import spark

__all__ = ["spark"]
pytestmark = pytest.mark.spark

#: Texts at the limits of the contract. Hypothesis adds random ones.
EDGES = st.sampled_from(
    [
        "", " ", "\u00a0", "\t", "a\u0000b", "x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "é" * MAX_TEXT, "😀" * MAX_TEXT, "٣",
        "0", "-0", "-0.0", "+1", "1.", ".5", ".", "1e2", "1E-2", "1e99", "-1e5", "1,5", "1_000",
        "0x10", "2.0", "2.5", "2\u2028", "2\u0085",
        "9999999999.99", "9999999999.994", "9999999999.995", "1" * 31, "0" * 20 + "1", "NaN", "Infinity",
        "1000000000000.004", "1000000000000.005", "9999999999999999.995",
        str(MAX_QUANTITY), str(MAX_QUANTITY + 1), "view", "VIEW", " view ",
        "USD", " usd ", "EUR", "U\u017fD", "USD\u2028",
        "2019-10-01 12:00:00 UTC", "2019-10-01T12:00:00Z", "2019-10-01T12:00:00.123456789Z", "2019-10-01T12:00:00Z\u2029",
        "2019-10-01T12:00:00+02", "2019-10-01 12:00:00+0200", "2019-10-01T00:00:00+18:00", "2019-10-01T00:00:00+19:00",
        "2019-10-01T24:00:00Z", "2019-10-01T12:60:00Z", "2019-10-01T23:59:60Z", "2019-02-29T00:00:00Z", "2020-02-29T00:00:00Z",
        "2019-10-02 12:30:00 UTC", "2019-10-02 12:30:01 UTC", "0000-01-01T00:00:00Z", "1989-12-31T23:59:59Z",
        "1989-12-31T23:59:59-01:00", "1990-01-01T00:30:00+01:00", "2019-10-01 12:00:00  UTC", "2019-10-01 12:00:00 utc",
    ]
)  # fmt: skip
VALUES = (
    EDGES | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
)
FIELDS = st.sampled_from([*BASE, "quantity", "order_id", "amount", "event_id", "anonymous_id", "currency", "source", "other"])
MESSAGES = (
    st.dictionaries(FIELDS, VALUES, max_size=3).map(message) | st.binary(max_size=30) | st.text(max_size=20).map(str.encode)
)


def parse_lines(spark: SparkSession, lines: list[bytes]) -> list[tuple[str, str | None] | None]:
    received = RECEIVED.replace(tzinfo=None)
    rows = [(None, bytearray(line), "events.raw", 0, place, received) for place, line in enumerate(lines)]
    columns = "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp"
    parsed = parse(spark.createDataFrame(rows, columns), Bounds(currency=CURRENCY))
    verdicts = parsed.select("kafka_offset", "refusal.reason", "refusal.field").collect()
    by_offset = {row.kafka_offset: (row.reason, row.field) if row.reason else None for row in verdicts}
    return [by_offset[place] for place in range(len(lines))]


def find_differences(spark: SparkSession, lines: list[bytes]) -> list[Any]:
    both = zip(lines, judge_messages(lines, RECEIVED), parse_lines(spark, lines), strict=True)
    return [(line, judge, parser) for line, judge, parser in both if judge != parser]


def test_the_examples_are_in_the_currency_of_the_settings() -> None:
    assert current().currency == CURRENCY


def test_the_examples_of_the_contract(spark: SparkSession) -> None:
    lines = [message(content) for content in VALID.values()] + [message(bad.content) for bad in INVALID.values()]
    expected = [None] * len(VALID) + [(bad.reason, bad.field) for bad in INVALID.values()]
    assert judge_messages(lines, RECEIVED) == expected
    assert find_differences(spark, lines) == []


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MESSAGES, min_size=300, max_size=400))
def test_random_messages(spark: SparkSession, lines: list[bytes]) -> None:
    assert find_differences(spark, [line.replace(b"\n", b" ") for line in lines]) == []


def test_every_field_with_every_edge(spark: SparkSession) -> None:
    edges = EDGES.elements  # type: ignore[attr-defined]
    fields = [*BASE, "quantity", "order_id", "amount", "event_id", "anonymous_id", "currency", "source"]
    lines = [message({field: edge}) for field in fields for edge in edges]
    lines += [message({"price": ABSENT, "amount": edge}) for edge in edges]
    assert find_differences(spark, lines) == []
    bare_numbers = [
        json.dumps(BASE | {"price": "?"}).replace('"?"', text).encode()
        for text in ("1e2", "-0", "1E400", "01", "1.", "NaN", "-1e-400")
    ]
    assert find_differences(spark, bare_numbers) == []


def test_the_greatest_worth_of_a_purchase(spark: SparkSession) -> None:
    prices = ["1e7", "10000000.004", "10000000.005", "9999999999.99", "-1", "1e-2"]
    quantities = ["100", "101", "1e5", " 100000 ", "+100000.", "100000.5", None]
    several = product(("purchase", "refund", "cart", "sale"), prices, quantities)
    lines = [message({"event_type": kind, "price": price, "quantity": quantity}) for kind, price, quantity in several]
    assert find_differences(spark, lines) == []
    verdicts = judge_messages(lines, RECEIVED)
    # For purchases and refunds, 10,000,000.005 becomes 10,000,000.01, and 100,000 units of it are too much, as are 101 units of
    # the highest price.
    assert [lines[place] for place, verdict in enumerate(verdicts) if verdict == ("bad_quantity", "quantity")] == [
        message({"event_type": kind, "price": price, "quantity": quantity})
        for kind, price, quantity in product(
            ("purchase", "refund", "cart"), [price for price in prices if price != "-1"], quantities
        )
        if quantity in ("1e5", "100000.5")
        or (kind != "cart" and price == "10000000.005" and quantity in (" 100000 ", "+100000."))
        or (kind != "cart" and price == "9999999999.99" and quantity in ("101", " 100000 ", "+100000."))
    ]


def test_the_limits_of_an_amount(spark: SparkSession) -> None:
    amounts = [
        "1e12",
        "1000000000000.005",
        "9999999999.99",
        "9999999999.995",
        "19999999999.98",
        "19999999999.99",
        "1e10",
        "-1",
        "x",
    ]
    several = product(("refund", "view"), ["1", "x", "", ABSENT], amounts, ["2", "1", " 1e1", "100.", None])
    lines = [
        message({"event_type": kind, "price": price, "amount": amount, "quantity": quantity})
        for kind, price, amount, quantity in several
    ]
    assert find_differences(spark, lines) == []


def test_the_id_of_a_repeated_row_is_the_parsers_id(spark: SparkSession) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"price": " 1e1 ", "quantity": "2.0"}, {"brand": "ÉTÉ \t", "category_code": "a.b", "price": 17.990000000000002},
        {"event_time": "2019-10-01T12:00:00.123456789+02:00", "order_id": 7, "user_session": "", "source": "x"},
        {"amount": "10.005", "currency": "usd", "anonymous_id": "b"}, {"price": ABSENT, "amount": "10", "quantity": 3},
    ]  # fmt: skip
    lines = [message(change) for change in changes]
    received = RECEIVED.replace(tzinfo=None)
    rows = [(None, bytearray(line), "events.raw", 0, place, received) for place, line in enumerate(lines)]
    columns = "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp"
    parsed = parse(spark.createDataFrame(rows, columns)).orderBy("kafka_offset")
    events = parsed.select("event_id", F.unix_micros("event_time").alias("at")).collect()
    assert [row.event_id for row in events] == [
        compute_row_id(line, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row.at))
        for line, row in zip(lines, events, strict=True)
    ]
