"""The chart of the last hour: a bar for each minute and a line for the hour before, as places in an SVG in percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from cdp_web.layout import formats

#: Parts of the height: above the highest bar, and below the bars for the labels of time.
_TOP, _BOTTOM = 10, 12
_HEIGHT = 100 - _TOP - _BOTTOM
_GAP = 0.25  # of the width of a minute
#: Minutes between two labels of time.
_LABEL_MINUTES = 10
#: The highest line of the scale is one of these, times a power of ten.
_STEPS = (1, 2, 4, 5, 8, 10)


@dataclass(frozen=True, slots=True)
class MinutePoint:
    """Revenue and orders of a minute, and the revenue an hour before."""

    minute: datetime
    revenue: Decimal
    orders: int
    before: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    point: MinutePoint
    x: str
    y: str
    width: str
    height: str
    is_running: bool

    @property
    def key(self) -> str:
        return f"{self.point.minute:%H:%M}"

    @property
    def text(self) -> str:
        return describe_minute(self.point, get_language())


@lru_cache(maxsize=4096)
def describe_minute(point: MinutePoint, language: str) -> str:
    """Few of the sixty minutes differ between two requests. The language is that of the request."""
    orders = ngettext("%(number)s order", "%(number)s orders", point.orders) % {"number": formats.count(point.orders)}
    revenue, before = formats.money(point.revenue), formats.money(point.before)
    values = {"time": f"{point.minute:%H:%M}", "revenue": revenue, "orders": orders, "before": before}
    return _("%(time)s UTC: %(revenue)s, %(orders)s; an hour before %(before)s") % values


@dataclass(frozen=True, slots=True)
class GridLine:
    y: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class TimeLabel:
    x: str
    minute: datetime


@dataclass(frozen=True, slots=True)
class HourChart:
    bars: Sequence[Bar]
    lines: Sequence[GridLine]
    labels: Sequence[TimeLabel]
    before: str  # the path of the hour before, in a box of 100 x 100

    @property
    def baseline(self) -> str:
        return _percent(100 - _BOTTOM)


def draw_hour(points: Sequence[MinutePoint]) -> HourChart:
    """Points in order; the last one is the minute that still runs."""
    top = find_top(max(max(point.revenue, point.before) for point in points))
    step = 100 / len(points)
    bars = []
    for place, point in enumerate(points):
        height = _scale(point.revenue, top)
        bars.append(
            Bar(
                point,
                _percent((place + _GAP / 2) * step),
                _percent(100 - _BOTTOM - height),
                _percent((1 - _GAP) * step),
                _percent(height),
                point is points[-1],
            )
        )
    lines = [GridLine(_percent(100 - _BOTTOM - _scale(value, top)), value) for value in (top, top / 2)]
    labels = [
        TimeLabel(_percent((place + 0.5) * step), point.minute)
        for place, point in enumerate(points)
        if point.minute.minute % _LABEL_MINUTES == 0 and 0.03 < (place + 0.5) / len(points) < 0.97
    ]
    return HourChart(bars, lines, labels, _draw_before(points, top, step))


def find_top(most: Decimal) -> Decimal:
    """The end of the scale: a round number, at least the largest value."""
    if most <= 0:
        return Decimal(1)
    power = Decimal(10) ** most.adjusted()
    return next(step * power for step in _STEPS if step * power >= most)


def _draw_before(points: Sequence[MinutePoint], top: Decimal, step: float) -> str:
    places = (f"{(place + 0.5) * step:.2f} {100 - _BOTTOM - _scale(point.before, top):.2f}" for place, point in enumerate(points))
    return "M" + "L".join(places)


def _scale(value: Decimal, top: Decimal) -> float:
    """A minute with more refunds than sales has no bar."""
    return float(max(value, Decimal(0)) / top) * _HEIGHT


def _percent(value: float) -> str:
    return f"{value:.2f}%"
