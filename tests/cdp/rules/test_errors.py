"""Messages stay short and safe for any value."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cdp.rules.errors import abbreviate, did_you_mean


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a'b", '"a\'b"'),
        ("x" * 60, repr("x" * 60)),
        ("x" * 61, repr("x" * 60 + "…")),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (-5, "-5"),
        pytest.param(10**5000, "a very large number", id="huge"),
        pytest.param(-(10**5000), "a very large number", id="-huge"),
        (1.5, "1.5"),
        (Decimal("1E+99"), "1E+99"),
        ([[]], "a list"),
        ((1,), "a list"),
        ({}, "an object"),
        (object(), "a value of type object"),
    ],
)
def test_a_value_is_abbreviated(value: object, text: str) -> None:
    assert abbreviate(value) == text


def test_the_nearest_word_is_offered_or_all_words() -> None:
    assert did_you_mean("viws", ["views", "carts"]) == "did you mean 'views'?"
    assert did_you_mean("qqq", ["views", "carts"]) == "choose one of views, carts."
    assert did_you_mean("z" * 1_000_000, ["views"]) == "choose one of views."
    assert did_you_mean("qqq", [f"w{n}" for n in range(42)]).endswith(", w28, w29 and 12 more.")
