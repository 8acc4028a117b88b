"""Reading, writing and checking single values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from cdp.rules.operators import ValueKind
from cdp.rules.tree import Scalar
from cdp.rules.values import decimal_text, find_fault, read, write


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("money", "12.50", Decimal("12.50")),
        ("money", 12, Decimal(12)),
        ("money", "-3", Decimal(-3)),
        ("number", "0.125", Decimal("0.125")),
        ("date", "2019-10-31", date(2019, 10, 31)),
        ("integer", 3, 3),
        ("text", "2019-10-31", "2019-10-31"),
        ("days", 30, 30),
        (None, "12.50", "12.50"),
    ],
)
def test_a_value_is_read_by_its_kind(kind: ValueKind | None, raw: Scalar, value: Scalar) -> None:
    assert read(kind, raw) == value
    assert type(read(kind, raw)) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [("money", "1e5"), ("money", "12,50"), ("money", "٣"), ("money", "NaN"), ("date", "2019-02-30"), ("integer", "3")],
)
def test_a_value_that_does_not_fit_stays_unchanged_and_is_a_fault(kind: ValueKind, raw: Scalar) -> None:
    assert read(kind, raw) == raw
    assert find_fault(kind, raw)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.5"), "12.50"),
        (Decimal("100"), "100.00"),
        (Decimal("1E+2"), "100.00"),
        (Decimal("0.125000"), "0.125"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("-7.1"), "-7.10"),
        (Decimal("1234567890123456789012345678.901"), "1234567890123456789012345678.901"),
        (Decimal("1E+37"), "1E+37"),
        (Decimal("1E+36"), "1" + "0" * 36 + ".00"),
        (Decimal("1.10"), "1.10"),
        (Decimal("0E+99"), "0.00"),
        (Decimal("NaN"), "NaN"),
        (Decimal("1E+999999"), "1E+999999"),
    ],
)
def test_decimals_are_written_without_exponent_unless_they_are_beyond_every_bound(value: Decimal, text: str) -> None:
    assert decimal_text(value) == text


def test_lists_and_days_are_written_as_json_holds_them() -> None:
    assert write((date(2019, 10, 1), Decimal("1.5"), 3, "x")) == ["2019-10-01", "1.50", 3, "x"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", 10**18 - 1),
        ("money", Decimal("9999999999999999.99")),
        ("money", -5),
        ("number", Decimal("0.000001")),
        ("date", date(2000, 1, 1)),
        ("text", "Việt %_'\\ 😀"),
        ("text", "x" * 200),
        ("days", 36_500),
    ],
)
def test_good_values_have_no_fault(kind: ValueKind, value: object) -> None:
    assert find_fault(kind, value) == ""


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("integer", 10**18, "more than 18 digits"),
        ("integer", True, "whole number"),
        ("integer", Decimal(2), "whole number"),
        ("integer", "2", "whole number"),
        ("money", Decimal("0.001"), "more than 2 decimals"),
        ("money", Decimal(10**16), "more than 16 digits"),
        ("money", Decimal("sNaN"), "needs a number"),
        ("money", Decimal("-Infinity"), "needs a number"),
        ("money", False, "needs a number"),
        ("number", Decimal("0.0000001"), "more than 6 decimals"),
        ("number", 10**12, "more than 12 digits"),
        ("date", datetime(2000, 1, 1), "needs a day"),  # noqa: DTZ001 - a naive instant is what must be refused
        ("date", "2000-01-01", "needs a day such as 2019-10-31, not '2000-01-01'."),
        ("text", "", "needs a text"),
        ("text", 5, "needs a text, not 5."),
        ("text", "x" * 201, "longer than 200"),
        ("text", "a\x00", "control character"),
        ("text", "a\nb", "control character"),
        ("text", "\ud800", "control character"),
        ("days", 0, "needs a number of days from 1 to 36500, not 0."),
        ("days", 36_501, "from 1 to 36500"),
        ("days", True, "number of days"),
    ],
)
def test_faults_say_what_is_wrong(kind: ValueKind, value: object, says: str) -> None:
    assert says in find_fault(kind, value)
