"""Messages of errors from drivers and libraries."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg2
import pytest

from cdp.errors import did_you_mean, first_line
from cdp.spark import root_cause


class PostgresError(Exception):
    """An error as both drivers raise it, with the server's diagnostics."""

    def __init__(self, says: str, hint: str | None = None) -> None:
        super().__init__(says)
        self.diag = SimpleNamespace(message_hint=hint)


def chain(error: Exception, says: str | None = None) -> Exception:
    """Chain the error as Django does, or with a message of our own."""
    outer = RuntimeError(says or str(error))
    outer.__cause__ = error
    return outer


FULL = PostgresError("no space\nHINT:  Check free\n  disk space.", "Check free\n  disk space.")


@pytest.mark.parametrize(
    ("error", "line", "cause"),
    [
        (ValueError("the disk is full\nand more"), "the disk is full", "the disk is full"),
        (ValueError(), "ValueError", "ValueError"),
        (FULL, "no space (Check free disk space.)", "Postgres: no space (Check free disk space.)"),
        (chain(FULL), "no space (Check free disk space.)", "Postgres: no space (Check free disk space.)"),
        (chain(FULL, "it is away (Check)"), "it is away (Check)", "it is away (Check)"),
        (PostgresError("no space"), "no space", "Postgres: no space"),
        (PostgresError(""), "PostgresError", "Postgres: PostgresError"),
        (
            psycopg2.InterfaceError("connection already closed"),
            "connection already closed",
            "Postgres: connection already closed",
        ),
    ],
)
def test_an_error_is_one_line_with_the_hint_of_postgres(error: Exception, line: str, cause: str) -> None:
    assert (first_line(error), root_cause(error)) == (line, cause)


def test_the_nearest_word_is_offered_or_all_words() -> None:
    assert did_you_mean("viws", ["views", "carts"]) == "did you mean 'views'?"
    assert did_you_mean("qqq", ["views", "carts"]) == "choose one of views, carts."
    assert did_you_mean("z" * 1_000_000, ["views"]) == "choose one of views."
    assert did_you_mean("qqq", [f"w{n}" for n in range(42)]).endswith(", w28, w29 and 12 more.")
