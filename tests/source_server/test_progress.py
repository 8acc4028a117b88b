"""The progress of a load without a terminal: a line every few seconds, not one per page."""

from __future__ import annotations

import pytest

from source_server import progress
from source_server.progress import ProgressRate, show_progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    with show_progress() as report:
        for now, rows in ((0.0, 10), (1.0, 200), (6.0, 1000), (7.0, 1200)):
            clock.now = now
            report("shop", "read", rows, None)
        clock.now = 30.0
        report("shop", "send", 1500, 0.75)
    assert capsys.readouterr().err == "reading shop: 1,000 rows, 165 rows/s\nsending shop: 1,500 rows, 75%\n"


def test_rate_and_time_left_are_those_of_this_run() -> None:
    """The run started at row 1,000 of 4,000; rows of an earlier run do not count for its speed."""
    clock = Clock()
    pace = ProgressRate(1000, 0.25, clock)
    assert pace.describe(1000, 0.25) == "1,000 rows, 25%"
    clock.now = 100.0
    assert pace.describe(2000, 0.5) == "2,000 rows, 50%, 10 rows/s, 3:20 left"
    clock.now = 36_000.0
    assert pace.describe(2000, 0.5).endswith("20:00:00 left")
    assert pace.describe(4000, 1.0) == "4,000 rows, 100%, 0 rows/s"
