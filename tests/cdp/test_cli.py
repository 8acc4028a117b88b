"""Suggestions for a mistyped word."""

from __future__ import annotations

from cdp.cli import did_you_mean


def test_the_nearest_word_is_offered_or_all_words() -> None:
    assert did_you_mean("viws", ["views", "carts"]) == "did you mean 'views'?"
    assert did_you_mean("qqq", ["views", "carts"]) == "choose one of views, carts."
    assert did_you_mean("z" * 1_000_000, ["views"]) == "choose one of views."
    assert did_you_mean("qqq", [f"w{n}" for n in range(42)]).endswith(", w28, w29 and 12 more.")
