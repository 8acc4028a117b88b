"""The last 90 days of a customer as bars of an SVG, drawn by the server without a script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from cdp.days import days_between
from cdp_web.customers.profiles import ProfileDay

DAYS = 90
WIDTH, HEIGHT = 720, 72
_STEP = WIDTH / DAYS


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    height: str
    width: str
    day: date
    views: int
    orders: int


def build_bars(days: list[ProfileDay], last: date) -> list[Bar]:
    """A bar for each day with an event, as high as its views. A minimum height keeps a day with an order but no view visible."""
    by_day = {day.day: day for day in days}
    most = max((day.views for day in days), default=0) or 1
    window = days_between(last - timedelta(days=DAYS - 1), last)
    return [_build_bar(position, by_day[day], most) for position, day in enumerate(window) if day in by_day]


def _build_bar(position: int, day: ProfileDay, most: int) -> Bar:
    height = max(4.0, HEIGHT * day.views / most)
    x, y = position * _STEP + 0.75, HEIGHT - height
    return Bar(f"{x:.2f}", f"{y:.2f}", f"{height:.2f}", f"{_STEP - 1.5:.2f}", day.day, day.views, day.orders)
