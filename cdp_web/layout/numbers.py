"""Numbers in an address or a form."""

from __future__ import annotations

#: No number here has more digits. A limit is needed because Python refuses to parse thousands of digits.
MAX_DIGITS = 9


def parse_whole_number(text: str, most: int = 10**MAX_DIGITS - 1) -> int | None:
    """A number from 1 to `most`, or None if the text is not one. `²` counts as a digit but is not a number."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        return None
    return number if 1 <= (number := int(text)) <= most else None
