"""The chart of the last hour and the numbers above it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cdp.mart.live_windows import MinuteSums
from cdp_web.live.chart import MinutePoint, draw_hour, find_top
from cdp_web.live.tiles import build_tiles

START = datetime(2026, 11, 30, 11, 1, tzinfo=UTC)


def make_points(*revenues: int) -> list[MinutePoint]:
    return [
        MinutePoint(START + timedelta(minutes=number), Decimal(revenue), 1, Decimal(0)) for number, revenue in enumerate(revenues)
    ]


def make_minutes(*counts: int) -> list[MinuteSums]:
    """Two hours and the running minute; each order is of ten dollars."""
    padded = [*[0] * (121 - len(counts)), *counts]
    return [MinuteSums(START + timedelta(minutes=number), count, Decimal(10 * count)) for number, count in enumerate(padded)]


@pytest.mark.parametrize(("most", "top"), [("0", 1), ("0.07", "0.08"), ("7", 8), ("80", 80), ("81", 100), ("1234.5", 2000)])
def test_the_scale_ends_at_a_round_number(most: str, top: str) -> None:
    assert find_top(Decimal(most)) == Decimal(top)


def test_bars_stay_within_the_scale_and_refunds_have_none() -> None:
    chart = draw_hour(make_points(*[0] * 57, 50, -20, 100))
    heights = [float(bar.height[:-1]) for bar in chart.bars[-3:]]
    assert heights == pytest.approx([39, 0, 78])
    assert [float(bar.y[:-1]) for bar in chart.bars[-3:]] == pytest.approx([49, 88, 10])
    assert [bar.is_running for bar in chart.bars[-2:]] == [False, True]
    assert [line.value for line in chart.lines] == [100, 50]
    assert [label.minute.minute for label in chart.labels] == [10, 20, 30, 40, 50]


def test_whole_minutes_are_compared_and_the_running_one_is_not() -> None:
    minutes = make_minutes(1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 7)
    running, five, hour, visitors = build_tiles(minutes, 30, 20, 90)
    assert (running.main.text, running.main.before, running.main.change) == ("$70.00", "$0.00", None)
    assert (five.main.text, five.main.before) == ("$30.00", "$20.00")
    assert (five.more.change, five.more.direction) == (pytest.approx(0.5), "up")
    assert (hour.more.text, hour.more.before, hour.more.direction) == ("5", "0", "")
    assert (visitors.main.change_text, visitors.more.text) == ("50.0%", "90")
