"""Why a file or a mapping cannot be loaded at all; one sentence for the person who asked for it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FileRefused(ValueError):
    """The file cannot be loaded; the message names it, the place, and what would help."""


class MappingError(FileRefused):
    """A mapping file is wrong; the message names it, the table and key, and what is allowed."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint where the word is nearly one of the known, else all of them."""
    names = list(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"it can be {', '.join(names)}."
