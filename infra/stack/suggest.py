"""What a person may have meant by a word that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known word, or with all of them."""
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" There are: {', '.join(words)}."
