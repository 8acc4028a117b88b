"""Suggestions for a mistyped word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """A sentence with the closest known word, or with all known words if none is close."""
    words = list(known)
    matches = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f" Did you mean {matches[0]}?" if matches else f" Choose one of: {', '.join(words)}."
