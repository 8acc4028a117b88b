"""Words of the command line: suggestions for a mistyped word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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
