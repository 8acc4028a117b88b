"""The numbers at the top of the live page, each beside the window before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cdp.mart.live_windows import MinuteSums
from cdp_web.layout import formats
from cdp_web.overview.kpis import compute_change

#: Changes below half a tenth of a percent are none.
_LEAST = 0.0005


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the same of the window before. A minute that still runs is not compared: it has had less time."""

    text: str
    before: str = ""
    change: float | None = None

    @property
    def change_text(self) -> str:
        return "" if self.change is None else formats.percent(abs(self.change))

    @property
    def direction(self) -> str:
        if self.change is None or abs(self.change) < _LEAST:
            return ""
        return "up" if self.change > 0 else "down"


@dataclass(frozen=True, slots=True)
class Tile:
    key: str
    title: str
    about: str
    main: Figure
    more: Figure
    more_title: str = ""


def build_tiles(minutes: Sequence[MinuteSums], visitors: int, visitors_before: int, visitors_of_funnel: int) -> list[Tile]:
    """`minutes` are two hours and the minute that still runs."""
    *whole, running = minutes
    return [
        Tile(
            "minute",
            _("This minute"),
            _("The minute that still runs, beside the whole minute before."),
            *_build_figures([running], whole[-1:], is_over=False),
        ),
        Tile(
            "five",
            _("Last 5 minutes"),
            _("The last five whole minutes, beside the five before. Revenue is net of refunds."),
            *_build_figures(whole[-5:], whole[-10:-5]),
        ),
        Tile(
            "hour",
            _("Last hour"),
            _("The last sixty whole minutes, beside the sixty before. Revenue is net of refunds."),
            *_build_figures(whole[-60:], whole[-120:-60]),
        ),
        Tile(
            "visitors",
            _("Visitors"),
            _("Customers with an event in the last five whole minutes, beside the five before."),
            _count(visitors, visitors_before),
            Figure(formats.count_short(visitors_of_funnel)),
            _("in the last 30 minutes"),
        ),
    ]


def _build_figures(now: Sequence[MinuteSums], before: Sequence[MinuteSums], is_over: bool = True) -> tuple[Figure, Figure, str]:
    """Revenue, orders and the word for them."""
    revenue, revenue_before = (sum((each.revenue for each in some), Decimal(0)) for some in (now, before))
    orders, orders_before = (sum(each.orders for each in some) for some in (now, before))
    change = compute_change(revenue, revenue_before) if is_over else None
    money = Figure(formats.money_short(revenue), formats.money_short(revenue_before), change)
    return money, _count(orders, orders_before, is_over), ngettext("order", "orders", orders)


def _count(value: int, before: int, is_over: bool = True) -> Figure:
    change = compute_change(value, before) if is_over else None
    return Figure(formats.count_short(value), formats.count_short(before), change)
