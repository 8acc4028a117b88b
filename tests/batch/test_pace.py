"""Progress through a range of days."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch.pace import DayPace, format_seconds


def list_progress(count: int, *starts: float) -> list[str]:
    times: Iterator[float] = iter(starts)
    pace = DayPace(count, lambda: next(times))
    return [pace.next_day() for _ in starts]


def test_single_day_has_no_progress() -> None:
    assert list_progress(1, 0) == [""]


def test_time_left_is_estimated_after_the_first_day() -> None:
    assert list_progress(60, 0, 20, 30) == ["  (1 of 60)", "  (2 of 60, about 20 min left)", "  (3 of 60, about 14 min left)"]


def test_slow_first_day_is_not_used_for_long() -> None:
    assert list_progress(7, 0, 600, 601, 602, 603, 604, 605)[-1] == "  (7 of 7, about 1 s left)"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (7_500, "2 h 5 min")])
def test_seconds_are_formatted(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
