"""The errors for a file or a mapping that cannot be loaded; each message is one sentence for the operator."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FileRefused(ValueError):
    """The file cannot be loaded; the message names it, the place, and what would help."""


class MappingError(FileRefused):
    """A mapping file is wrong; the message names it, the table and key, and what is allowed."""


def suggest(word: str, known: Iterable[str]) -> str:
    """The known word that is nearly the same, or else all known words."""
    names = list(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"it can be {', '.join(names)}."
