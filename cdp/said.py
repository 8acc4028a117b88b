"""What a foreign error says, in few words."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """What it says first; the rest is mostly its own help. Where a connection breaks it is empty, and its kind is said."""
    return (str(error).strip() or type(error).__name__).splitlines()[0] + hint_of(error)


def is_of_postgres(error: BaseException) -> bool:
    """Both drivers hang the server's own words on their errors."""
    return hasattr(_find_driver_error(error), "diag")


def hint_of(error: BaseException) -> str:
    """Postgres says on a line of its own what may help: that line in brackets, where there is one."""
    hint = getattr(getattr(_find_driver_error(error), "diag", None), "message_hint", None)
    return f" ({' '.join(hint.split())})" if hint else ""


def _find_driver_error(error: BaseException) -> BaseException:
    """Django says what the driver said, and hangs the driver's error behind its own. Who says more has said the hint too."""
    cause = error.__cause__
    return cause if cause is not None and str(cause) == str(error) else error
