"""Types for argparse that several command lines share."""

from __future__ import annotations

import argparse
from datetime import date

from cdp.days import day_from_text


def parse_day(text: str) -> date:
    """A day written as YYYY-MM-DD; a type for argparse."""
    try:
        return day_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parse_count(text: str) -> int:
    """A whole number of 1 or more; a type for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
