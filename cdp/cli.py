"""Shared by command lines: types for argparse, and suggestions for a mistyped word."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from datetime import date

from cdp.days import day_from_text

_MAX_LENGTH = 60  # characters of a word that are compared
_MAX_WORDS = 30  # words that a message lists


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown word: the nearest known word; if none is near, `otherwise` or the known words."""
    words = list(known)
    near = difflib.get_close_matches(word[:_MAX_LENGTH], words, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(words) - _MAX_WORDS} more" if len(words) > _MAX_WORDS else ""
    return otherwise or f"choose one of {', '.join(words[:_MAX_WORDS])}{more}."


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
