"""Messages stay short and safe for any value."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cdp.rules.errors import abbreviate


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
