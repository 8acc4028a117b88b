"""Error messages: those of drivers and libraries on one line, and a suggestion for a mistyped word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MAX_LENGTH = 60  # characters of a word that are compared
_MAX_WORDS = 30  # words that a message lists


def first_line(error: BaseException) -> str:
    """The first line of the message, as the rest is mostly help, and its hint. The error's type if the message is empty, as when
    a connection breaks."""
    return (str(error).strip() or type(error).__name__).splitlines()[0] + hint_of(error)


def is_of_postgres(error: BaseException) -> bool:
    """Both drivers attach the server's diagnostics to their errors."""
    return hasattr(_find_driver_error(error), "diag")


def hint_of(error: BaseException) -> str:
    """Postgres' hint in brackets; empty if there is none."""
    hint = getattr(getattr(_find_driver_error(error), "diag", None), "message_hint", None)
    return f" ({' '.join(hint.split())})" if hint else ""


def _find_driver_error(error: BaseException) -> BaseException:
    """Django repeats the driver's message and chains the driver's error. An error with another message already has the hint."""
    cause = error.__cause__
    return cause if cause is not None and str(cause) == str(error) else error


def did_you_mean(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown word: the nearest choice; if none is near, `otherwise` or the choices."""
    words = list(choices)
    near = difflib.get_close_matches(word[:_MAX_LENGTH], words, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(words) - _MAX_WORDS} more" if len(words) > _MAX_WORDS else ""
    return otherwise or f"choose one of {', '.join(words[:_MAX_WORDS])}{more}."
