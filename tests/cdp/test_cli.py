"""Types of arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date

import pytest

from cdp.cli import parse_count, parse_day


def test_arguments_are_parsed() -> None:
    assert parse_day("2019-10-31") == date(2019, 10, 31)
    assert parse_count("1") == 1


@pytest.mark.parametrize(("parse", "text"), [(parse_day, "soon"), (parse_count, "0"), (parse_count, "-1"), (parse_count, "many")])
def test_a_wrong_argument_is_quoted(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=repr(text)):
        parse(text)
