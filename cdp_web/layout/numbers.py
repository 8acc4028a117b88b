"""Numbers that stand in an address or a form."""

from __future__ import annotations

#: More digits than any number here has; Python refuses to read some thousands of them.
MAX_DIGITS = 9


def parse_whole_number(text: str, most: int = 10**MAX_DIGITS - 1) -> int | None:
    """A number from 1 to `most`, or None where the text is none. `²` counts as a digit, and is no number."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        return None
    return number if 1 <= (number := int(text)) <= most else None
