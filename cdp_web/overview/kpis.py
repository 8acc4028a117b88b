"""The tiles: each has its definition, how to compute it from totals, and how to show it and its change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cdp_web.charts.sparkline import draw_line
from cdp_web.layout import formats
from cdp_web.overview.periods import PeriodChoice
from cdp_web.overview.totals import PeriodTotals, Point

Number = Decimal | int | float
#: With less history before a period, regular customers look new in it.
NEW_AFTER_DAYS = 28


@dataclass(frozen=True, slots=True)
class Kpi:
    """A number of the shop. `event` is what a customer did to be behind it."""

    key: str
    title: Promise
    about: Promise
    value: Callable[[PeriodTotals], Number | None]
    short: Callable[..., str]
    exact: Callable[..., str]
    kind: Literal["money", "count", "percent"]
    event: str = "purchase"
    #: A second number in words, shown after the definition.
    note: Callable[[PeriodTotals], str] = lambda totals: ""
    more_is_better: bool = True
    is_tile: bool = True


def _money(key: str, title: Promise, about: Promise, value: Callable[[PeriodTotals], Number | None], **more: object) -> Kpi:
    return Kpi(key, title, about, value, formats.money_short, formats.money, "money", **more)  # type: ignore[arg-type]


def _count(key: str, title: Promise, about: Promise, value: Callable[[PeriodTotals], Number | None], **more: object) -> Kpi:
    return Kpi(key, title, about, value, formats.count_short, formats.count, "count", **more)  # type: ignore[arg-type]


def _count_refunds(totals: PeriodTotals) -> str:
    return ngettext("%(number)s refund.", "%(number)s refunds.", totals.refunds) % {"number": formats.count(totals.refunds)}


def _name_gross(totals: PeriodTotals) -> str:
    amounts = {"gross": formats.money(totals.gross_revenue), "refunds": formats.money(totals.refunded)}
    return _("Gross revenue %(gross)s, refunds %(refunds)s.") % amounts


KPIS: tuple[Kpi, ...] = (
    _money(
        "revenue",
        gettext_lazy("Net revenue"),
        gettext_lazy("Gross revenue less the money refunded in the period."),
        lambda t: t.revenue,
        note=_name_gross,
    ),
    _money(
        "gross_revenue",
        gettext_lazy("Gross revenue"),
        gettext_lazy("Value of all purchases in the period, before refunds."),
        lambda t: t.gross_revenue,
        is_tile=False,
    ),
    _count(
        "orders",
        gettext_lazy("Orders"),
        gettext_lazy("Distinct orders. Purchases without an order number count as one order per session."),
        lambda t: t.orders,
    ),
    _money(
        "average_order",
        gettext_lazy("Average order"),
        gettext_lazy("Gross revenue divided by orders."),
        lambda t: t.average_order,
    ),
    Kpi(
        "conversion",
        gettext_lazy("Conversion"),
        gettext_lazy("Sessions with a purchase divided by all sessions. Its change is in percentage points."),
        lambda t: t.conversion,
        lambda value: formats.percent(value, 2),
        lambda value: formats.percent(value, 3),
        "percent",
    ),
    _count(
        "customers",
        gettext_lazy("Customers"),
        gettext_lazy("Distinct customers with at least one event in the period."),
        lambda t: t.counts.customers,
        event="any",
    ),
    _count(
        "buyers",
        gettext_lazy("Buyers"),
        gettext_lazy("Distinct customers with an order in the period."),
        lambda t: t.counts.buyers,
    ),
    _count(
        "new_customers",
        gettext_lazy("New customers"),
        gettext_lazy("Customers whose first event ever is in the period."),
        lambda t: t.new_customers,
        event="any",
    ),
    _money(
        "refunds",
        gettext_lazy("Refunds"),
        gettext_lazy("Money refunded in the period, whenever the purchase was."),
        lambda t: t.refunded,
        event="refund",
        note=_count_refunds,
        more_is_better=False,
    ),
)
KPIS_BY_KEY = {kpi.key: kpi for kpi in KPIS}


@dataclass(frozen=True, slots=True)
class Tile:
    kpi: Kpi
    value: Number | None
    before: Number | None
    note: str = ""
    #: Why the number is not what it seems.
    caveat: str = ""
    line: str = ""

    @property
    def about(self) -> str:
        """The definition, and the exact value for those who cannot hover."""
        sentences = (str(self.kpi.about), self.note, _("Exactly: %(value)s.") % {"value": self.exact})
        return " ".join(sentence for sentence in sentences if sentence)

    @property
    def short(self) -> str:
        return self.kpi.short(self.value)

    @property
    def exact(self) -> str:
        return self.kpi.exact(self.value)

    @property
    def short_before(self) -> str:
        return self.kpi.short(self.before)

    @property
    def exact_before(self) -> str:
        return self.kpi.exact(self.before)

    @property
    def change_unit(self) -> Literal["relative", "points"]:
        return "points" if self.kpi.kind == "percent" else "relative"

    @property
    def change(self) -> float | None:
        """Change against the earlier period: relative, or the difference of two rates. None if there is nothing to compare."""
        if self.value is None or self.before is None:
            return None
        if self.change_unit == "points":
            return float(self.value) - float(self.before)
        return compute_change(self.value, self.before)

    @property
    def change_text(self) -> str:
        if self.change is None:
            return ""
        if self.change_unit == "points":
            return _("%(number)s points") % {"number": formats.number(round(abs(self.change) * 100, 2))}
        return formats.percent(abs(self.change))

    @property
    def direction(self) -> str:
        least = 0.00005 if self.change_unit == "points" else 0.0005
        if self.change is None or abs(self.change) < least:
            return "same"
        return "up" if self.change > 0 else "down"

    @property
    def verdict(self) -> str:
        """Whether the change is good or bad; decides its colour."""
        if self.direction == "same":
            return "same"
        return "good" if (self.direction == "up") == self.kpi.more_is_better else "bad"


def compute_change(value: Number, before: Number) -> float | None:
    """0.1 is ten percent more; None without a positive number to compare with."""
    return float(value) / float(before) - 1 if before > 0 else None


def build_tiles(
    totals: PeriodTotals, before: PeriodTotals | None, choice: PeriodChoice, points: Sequence[Point] = ()
) -> list[Tile]:
    return [_build_tile(kpi, totals, before, choice, points) for kpi in KPIS]


def _build_tile(
    kpi: Kpi, totals: PeriodTotals, before: PeriodTotals | None, choice: PeriodChoice, points: Sequence[Point]
) -> Tile:
    line = draw_line([kpi.value(point.totals) for point in points])
    first = choice.comparison.first if choice.comparison else choice.period.first
    caveat = explain_new(choice, first) if kpi.key == "new_customers" else ""
    value_before = kpi.value(before) if before and not caveat else None
    return Tile(kpi, kpi.value(totals), value_before, kpi.note(totals), caveat, line)


def explain_new(choice: PeriodChoice, first: date) -> str:
    """At the start of the data everyone is new, and a change against such days says nothing. `first` is the day in question."""
    if (first - choice.data.first).days >= NEW_AFTER_DAYS:
        return ""
    return _("Data begin on %(day)s, so regular customers look new for some weeks.") % {"day": formats.day(choice.data.first)}
