"""Texts in CSV files that people open in a spreadsheet."""

from __future__ import annotations

#: A spreadsheet runs a text that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(text: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def unescape_formula(text: str) -> str:
    """The inverse: a file that this site has exported can be uploaded again."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text
