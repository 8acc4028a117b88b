"""Repairs: what refused examples of the contract become, that a repair survives being written as options, and which options
are refused."""

from __future__ import annotations

import argparse
import shlex
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cdp.events.examples import INVALID, message
from cdp.events.fields import BOUNDS, EARLIEST_DAY, MAX_AHEAD_HOURS, MAX_QUANTITY, MAX_TEXT, Bounds
from cdp.settings import load
from streaming.events.parse import parse
from streaming.replay.__main__ import main
from streaming.replay.repairs import Repair, add_repairs, parse_repair, parse_repair_text
from tests.streaming.conftest import Messages


def parse_options(options: str) -> Repair:
    parser = argparse.ArgumentParser()
    add_repairs(parser)
    return parse_repair(parser.parse_args(shlex.split(options)))


#: Repair -> invalid examples parsed with it -> columns of the event, or the remaining refusal.
REPAIRED: dict[str, dict[str, dict[str, Any] | str]] = {
    "--map event_type:wishlist=view event_type:x=cart price:19,99=19.99 price:free=null --set-default price=1.50 user_id=no": {
        "unknown type": {"event_type": "view", "price": Decimal("130.76"), "user_id": "513042592"},
        "null price": {"price": Decimal("1.50"), "brand": "samsung"},
        "blank user": {"user_id": "no", "price": Decimal("130.76")},
        "price with a comma": {"price": Decimal("19.99")},
        "price in words": {"price": Decimal("1.50")},
        "first of two reasons": "bad_price price",
        "negative price": "bad_price price",
        "an empty object": "missing event_time",
        "cut off": "not_json",
        "a list": "not_json",
    },
    "--set quantity=null 'brand= ACME & Sons ' category_code=null event_type=cart": {
        "no quantity": {"quantity": 1, "brand": "acme & sons", "category_code": None, "event_type": "cart"},
        "long brand": {"brand": "acme & sons"},
        "price NaN": "bad_price price",
        "a number": "not_json",
    },
    "--bound MAX_TEXT=400 MAX_QUANTITY=200000 --bound EARLIEST_DAY=1980-01-01 MAX_AHEAD_HOURS=25": {
        "long brand": {"brand": "x" * (MAX_TEXT + 1)},
        "too many": {"quantity": MAX_QUANTITY + 1},
        "time before the trade": {"event_day": date(1989, 12, 31)},
        "time too far ahead": {"event_day": date(2019, 10, 2)},
        "long wrong price": "bad_price price",
        "no quantity": "bad_quantity quantity",
    },
}


@pytest.mark.spark
@pytest.mark.parametrize("options", REPAIRED)
def test_repaired_examples_become_events_or_stay_refused(messages: Messages, options: str) -> None:
    repair, examples = parse_options(options), REPAIRED[options]
    sent = messages(*(message(INVALID[name].content) for name in examples))
    rows = parse(sent, repair.bounds, repair.changes).collect()
    for (name, expected), row in zip(examples.items(), rows, strict=True):
        if isinstance(expected, str):
            assert f"{row.refusal.reason} {row.refusal.field or ''}".strip() == expected, name
        else:
            assert row.refusal is None, name
            assert {column: row[column] for column in expected} == expected, name


@pytest.mark.spark
def test_default_fills_an_absent_empty_or_null_field_and_nothing_else(messages: Messages) -> None:
    repair = parse_options("--set-default brand=unknown")
    other = message({"n": [1]}).replace(b"brand", b"x")
    sent = messages({"brand": None}, {"brand": ""}, {"brand": " \t"}, {"brand": "null"}, other)
    rows = parse(sent, repair.bounds, repair.changes).collect()
    assert [row.brand for row in rows] == ["unknown", "unknown", "unknown", "null", "unknown"]
    assert rows[-1].extra == '{"x":"samsung","n":[1]}'


@pytest.mark.spark
def test_a_repair_leaves_the_currency_to_the_settings(messages: Messages) -> None:
    euros = load({"CDP_CURRENCY": "EUR"})
    parsed = parse_options("--bound MAX_TEXT=400 --map currency:pound=EUR").parse(
        euros, messages(*({"currency": text} for text in ("USD", "eur", "pound")))
    )
    assert [row.refusal.reason if row.refusal else None for row in parsed.orderBy("kafka_offset").collect()] == [
        "bad_currency",
        None,
        None,
    ]


@pytest.mark.parametrize("options", ["", *REPAIRED])
def test_repair_survives_being_written_as_options(options: str) -> None:
    assert parse_repair_text(str(parse_options(options))) == parse_options(options)


def test_options_are_written_in_a_fixed_order() -> None:
    options = "--set-default brand=unknown 'user_id=no one' --map event_type:page_view=view --bound MAX_TEXT=300"
    expected = "--map event_type:page_view=view --set-default brand=unknown --set-default 'user_id=no one' --bound MAX_TEXT=300"
    assert str(parse_options(options)) == expected
    assert str(parse_options("--bound MAX_TEXT=200")) == "", "that is the default bound"


def test_the_stream_uses_the_bounds_of_the_contract() -> None:
    assert Bounds(MAX_TEXT, MAX_QUANTITY, EARLIEST_DAY, MAX_AHEAD_HOURS) == BOUNDS


#: Wrong options -> a part of the error line.
WRONG: dict[str, str] = {
    "--reason bad_tipe": "'bad_tipe' is not a reason; did you mean 'bad_type'?",
    "--field colour": "'colour' is not a field; choose one of event_time, event_type,",
    "--from 2019-13-01": "--from: '2019-13-01' is not a day of the calendar.",
    "--to yesterday": "--to: 'yesterday' is not a day; write it as YYYY-MM-DD",
    "--from 2019-10-02 --to 2019-10-01": "the range ends (2019-10-01) before it begins",
    "--set event_typ=view": "'event_typ' is not a field; did you mean 'event_type'?",
    "--set brand": "--set 'brand' is not FIELD=VALUE; for no value write null.",
    "--set brand=": "is not FIELD=VALUE",
    "--set brand:x=y": "--set 'brand:x=y' is not FIELD=VALUE",
    "--set brand=a brand=b": "--set names brand more than once.",
    "--map brand=x": "--map 'brand=x' is not FIELD:OLD=NEW",
    "--map brand:a=b brand:a=c": "--map names brand a more than once.",
    "--set-default brand=null": "would change nothing; --set brand=null ",
    "--set event_id=1": "the night would keep only one of them",
    "--set 'brand=a\tb'": "contains a control character",
    "--bound MAX_TEST=1": "'MAX_TEST' is not a bound; did you mean 'MAX_TEXT'?",
    "--bound MAX_TEXT=501": "--bound MAX_TEXT=501: it must be a whole number from 1 to 500.",
    "--bound MAX_QUANTITY=many": "--bound MAX_QUANTITY=many: it must be a whole number from 1 to 1000000.",
    "--bound MAX_AHEAD_HOURS=²": "a whole number from 0 to",
    "--bound EARLIEST_DAY=1066-10-14": "it must be a day from 1900-01-01 to",
    "--bound EARLIEST_DAY=soon": "'soon' is not a day",
}


@pytest.mark.parametrize("options", WRONG)
def test_wrong_options_are_refused_in_one_line(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(options))
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert WRONG[options] in line
