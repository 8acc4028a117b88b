"""Messages of errors that drivers and libraries raise, on one line."""

from __future__ import annotations


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
