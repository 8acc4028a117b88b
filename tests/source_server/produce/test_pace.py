"""How fast a data set is sent, on a fake clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from source_server.produce.pace import AtRate, AtSpeed, FlatOut
from source_server.produce.source_client import SourcePage

BEGIN = datetime(2019, 10, 1, tzinfo=UTC)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def page(rows: int, first: float | None = None, last: float | None = None) -> SourcePage:
    """A page of rows, whose events happened between two seconds after BEGIN."""
    times = [None if seconds is None else BEGIN + timedelta(seconds=seconds) for seconds in (first, last)]
    return SourcePage([b"{}"] * rows, "c", False, *times)


def test_flat_out_never_waits() -> None:
    pace = FlatOut(50_000)
    assert (pace.limit, pace.pause_after(page(50_000, 0, 9))) == (50_000, 0.0)


def test_a_rate_is_kept_over_uneven_pages() -> None:
    clock = Clock()
    pace = AtRate(50_000, 1000, clock)
    assert pace.limit == 1000
    assert pace.pause_after(page(1000)) == pytest.approx(1.0)
    clock.now += 1.4  # it took longer than it should
    assert pace.pause_after(page(1000)) == pytest.approx(0.6)


def test_an_outage_is_not_caught_up() -> None:
    clock = Clock()
    pace = AtRate(50_000, 1000, clock)
    clock.now += 60
    assert sum(pace.pause_after(page(1000)) for _ in range(4)) > 0


def test_a_large_rate_has_no_larger_pages() -> None:
    assert AtRate(50_000, 1_000_000).limit == 50_000


def test_event_time_passes_as_many_times_faster() -> None:
    clock = Clock()
    pace = AtSpeed(50_000, 60, clock)
    assert pace.pause_after(page(100, 0, 120)) == pytest.approx(2.0)
    clock.now += 2
    assert pace.pause_after(page(100, 120, 180)) == pytest.approx(1.0)


def test_pages_grow_and_shrink_to_about_a_second() -> None:
    clock = Clock()
    pace = AtSpeed(50_000, 60, clock)
    pace.pause_after(page(100, 0, 6))  # a tenth of a second
    assert pace.limit == 400, "four times as large at most"
    pace.pause_after(page(400, 6, 606))  # ten seconds
    assert pace.limit == 40


def test_late_events_and_those_without_a_time_do_not_wait() -> None:
    clock = Clock()
    pace = AtSpeed(50_000, 1, clock)
    assert pace.pause_after(page(10, 100, 110)) == pytest.approx(10.0)
    clock.now += 10
    assert pace.pause_after(page(10, 20, 30)) == 0.0
    assert pace.pause_after(page(10)) == 0.0
    assert pace.pause_after(page(10, 90, 115)) == pytest.approx(5.0)
