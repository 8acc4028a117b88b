"""Types of arguments, and suggestions for a mistyped word."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date

import pytest

from cdp.cli import did_you_mean, parse_count, parse_day


def test_the_nearest_word_is_offered_or_all_words() -> None:
    assert did_you_mean("viws", ["views", "carts"]) == "did you mean 'views'?"
    assert did_you_mean("qqq", ["views", "carts"]) == "choose one of views, carts."
    assert did_you_mean("z" * 1_000_000, ["views"]) == "choose one of views."
    assert did_you_mean("qqq", [f"w{n}" for n in range(42)]).endswith(", w28, w29 and 12 more.")


def test_arguments_are_parsed() -> None:
    assert parse_day("2019-10-31") == date(2019, 10, 31)
    assert parse_count("1") == 1


@pytest.mark.parametrize(("parse", "text"), [(parse_day, "soon"), (parse_count, "0"), (parse_count, "-1"), (parse_count, "many")])
def test_a_wrong_argument_is_quoted(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=repr(text)):
        parse(text)
