"""How far a range has come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch.pace import Pace, left


def places(count: int, *begun: float) -> list[str]:
    times: Iterator[float] = iter(begun)
    pace = Pace(count, lambda: next(times))
    return [pace.place() for _ in begun]


def test_single_night_has_no_place() -> None:
    assert places(1, 0) == [""]


def test_range_says_how_long_the_rest_takes_after_its_first_night() -> None:
    assert places(60, 0, 20, 30) == ["  (1 of 60)", "  (2 of 60, about 20 min left)", "  (3 of 60, about 14 min left)"]


def test_long_first_night_is_soon_forgotten() -> None:
    assert places(7, 0, 600, 601, 602, 603, 604, 605)[-1] == "  (7 of 7, about 1 s left)"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (7_500, "2 h 5 min")])
def test_time_that_is_left(seconds: float, text: str) -> None:
    assert left(seconds) == text
