"""The importer judges the contract's examples as the contract does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.events.examples import INVALID, RECEIVED, VALID, message
from cdp.events.fields import Bounds
from cdp.events.reading import EventReader, make_checks
from cdp.events.reading.sql import open_engine
from cdp.events.reading.values import PRICE_VALUE, TIME_VALUE
from cdp.settings import current
from source_server.intake import judge_messages
from tests.cdp.events.batches import list_results, make_batch
from tests.cdp.events.poison import POISON
from tests.oracle.messages import Refusal
from tests.source_server.intake.conftest import HEADER, ROW, load

ENGINE = open_engine()


def test_a_load_predicts_what_the_stream_will_refuse() -> None:
    lines = [message(content) for content in VALID.values()] + [message(invalid.content) for invalid in INVALID.values()]
    lines += [payload.replace(b"\n", b" ") for payload, _, _ in POISON.values()]
    with EventReader(Bounds(currency=current().currency)) as reader:
        results = list_results(reader.read(make_batch(*lines)))
    verdicts = [(result.reason, result.field) if isinstance(result, Refusal) else None for result in results]
    assert judge_messages(lines, RECEIVED) == verdicts


def test_the_examples_that_are_events() -> None:
    result = judge_messages([message(content) for content in VALID.values()], RECEIVED)
    assert {name: verdict for name, verdict in zip(VALID, result, strict=True) if verdict} == {}


def test_the_examples_that_are_refused() -> None:
    result = judge_messages([message(invalid.content) for invalid in INVALID.values()], RECEIVED)
    expected = {name: (invalid.reason, invalid.field) for name, invalid in INVALID.items()}
    assert dict(zip(INVALID, result, strict=True)) == expected


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (message({"x": 0})[:-2] + b"NaN}", ("not_json", None)),
        (message({})[:-1] + b",}", ("not_json", None)),
        (message({"x": [1]}).replace(b"[1]", b"[1,]"), ("not_json", None)),
        (message({"brand": "NaN, ]"}), None),
        (message({"brand": "x"}).replace(b'"x"', b'"\\ud800"'), None),
        (message({"user_id": 12345678901234567890123}), None),
        (message({"event_time": "2019-10-01 24:00:00 UTC"}), ("bad_time", "event_time")),
        (message({"event_time": "2019-10-01 12:00:00+19:00"}), ("bad_time", "event_time")),
        (message({"event_time": "2019-10-01 12:00:00+02:60"}), ("bad_time", "event_time")),
        (message({"price": "123456789012345678901234567890e-25"}), None),
    ],
)
def test_lines_that_the_engine_would_read_differently(line: bytes, says: tuple[str, str | None] | None) -> None:
    assert judge_messages([line], RECEIVED) == [says]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_regex(r"\+?([0-9]{1,14}(\.[0-9]{0,4})?|\.[0-9]{1,4})([eE][+-]?[0-9]{1,2})?", fullmatch=True), min_size=1))
def test_money_is_read_as_decimals_are(texts: list[str]) -> None:
    rows = ENGINE.execute(f"SELECT {PRICE_VALUE} FROM (SELECT unnest($1) AS price)", [texts]).fetchall()
    for text, (result,) in zip(texts, rows, strict=True):
        exact = Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP) if Decimal(text) < 10**11 else Decimal(10**11)
        assert result == (exact if exact < 10**10 else None), text


@settings(max_examples=60, deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)), st.integers(-18 * 60, 18 * 60))  # noqa: DTZ001
def test_times_are_read_as_python_does(local: datetime, minutes: int) -> None:
    text = f"{local.isoformat()}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    result = ENGINE.execute(f"SELECT {TIME_VALUE} FROM (SELECT $1 AS event_time)", [text]).fetchall()[0][0]
    assert result == datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def test_every_check_has_a_sentence() -> None:
    assert all(check.describe("x" * 300) for check in make_checks())


def test_rows_and_lines_are_judged_alike(file: Callable[..., Path]) -> None:
    """The examples that a CSV can hold, as its rows."""
    names = [*HEADER.split(","), "quantity", "order_id", "amount", "event_id", "anonymous_id", "currency", "source"]
    cases = {name: json.loads(message(content)) for name, content in VALID.items()}
    texts = {name: case for name, case in cases.items() if all(isinstance(value, str) for value in case.values())}
    texts = {name: case for name, case in texts.items() if case.keys() <= set(names) and "time just" not in name}
    bad = {name: json.loads(message(case.content)) for name, case in INVALID.items() if isinstance(case.content, dict)}
    bad = {name: case for name, case in bad.items() if all(isinstance(v, str) for v in case.values()) and "ahead" not in name}
    rows = [
        ",".join('"' + case.get(name, "").replace('"', '""') + '"' for name in names) for case in (*texts.values(), *bad.values())
    ]
    result = load(file("x.csv", ",".join(names), *rows))
    expected: dict[str, int] = {}
    for name in bad:
        expected[INVALID[name].reason] = expected.get(INVALID[name].reason, 0) + 1
    assert {reason: count for reason, (count, _) in result.refused.items()} == expected
    assert len(texts) > 10
    assert len(bad) > 10


def test_the_detail_repeats_the_value(file: Callable[..., Path]) -> None:
    result = load(file("x.csv", HEADER, ROW, ROW.replace("9.50", "19;99"), ROW.replace("9.50", "-1"))).account.refused[
        "bad_price"
    ]
    assert (result.count, result.places, result.field, result.detail) == (2, [3, 4], "price", "'19;99' is not a number")
