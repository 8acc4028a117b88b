"""What the page shows of an overview: charts, short lists and the links of the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from cdp_web.charts.chart import Chart, Option
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.overview import customer_charts, order_charts, trend
from cdp_web.overview.breakdowns import Earner
from cdp_web.overview.kpis import KPIS_BY_KEY, Tile
from cdp_web.overview.names import name_brand, name_category
from cdp_web.overview.periods import PeriodChoice
from cdp_web.overview.report import Overview


@dataclass(frozen=True, slots=True)
class View:
    """How the charts are read: the measure of the trend and of the hours."""

    measure: str = "revenue"
    heat: str = "orders"


@dataclass(frozen=True, slots=True)
class ShortRow:
    """A line of a short list; `share` of the largest line is the length of its bar."""

    name: str
    detail: str
    #: The id of a product, the code of a category.
    key: str
    link: str
    earner: Earner
    share: float

    @property
    def difference_text(self) -> str:
        return f"{'+' if self.earner.difference > 0 else ''}{formats.money_short(self.earner.difference)}"

    @property
    def change_text(self) -> str:
        change = self.earner.change
        return "" if change is None else f"{'+' if change > 0 else ''}{formats.percent(change)}"

    @property
    def verdict(self) -> str:
        return "good" if self.earner.difference > 0 else "bad" if self.earner.difference < 0 else "same"


@dataclass(frozen=True, slots=True)
class ShortList:
    key: str
    title: str
    about: str
    rows: list[ShortRow]
    link: str


def parse_view(parameters: Mapping[str, str]) -> View:
    """Raises ValueError with the valid values."""
    measure, heat = parameters.get("measure") or "revenue", parameters.get("heat") or "orders"
    if measure not in trend.MEASURES:
        raise ValueError(_("choose one of these measures: %(names)s.") % {"names": ", ".join(trend.MEASURES)})
    if heat not in order_charts.HEAT_MEASURES:
        raise ValueError(_("choose one of these measures: %(names)s.") % {"names": ", ".join(order_charts.HEAT_MEASURES)})
    return View(measure, heat)


def write_address(choice: PeriodChoice, measure: str, heat: str) -> str:
    return f"?{urlencode(choice.parameters | {'measure': measure, 'heat': heat})}"


def build_charts(overview: Overview, view: View) -> dict[str, Chart]:
    choice = overview.choice
    measures = [
        Option(str(KPIS_BY_KEY[key].title), write_address(choice, key, view.heat), key == view.measure) for key in trend.MEASURES
    ]
    heats = [
        Option(str(KPIS_BY_KEY[key].title), write_address(choice, view.measure, key), key == view.heat)
        for key in order_charts.HEAT_MEASURES
    ]
    kpi = KPIS_BY_KEY[view.measure]
    built = (
        trend.chart_trend(kpi, overview.points, overview.points_before, overview.step, overview.unusual_days, measures),
        customer_charts.chart_customers(overview.points, choice),
        customer_charts.chart_funnel(overview.funnel),
        order_charts.chart_hours(overview.hours, view.heat, choice.period, heats),
        order_charts.chart_order_values(overview.order_values),
    )
    return {chart.key.replace("-", "_"): chart for chart in built}


def link_tile(tile: Tile, choice: PeriodChoice, view: View) -> str:
    """Numbers of customers open the customers; other numbers show themselves in the chart."""
    period = choice.period
    match tile.kpi.key:
        case "new_customers":
            return link_to_customers(customer_charts.was_new(period))
        case "customers" | "buyers":
            return link_to_customers(did_between(tile.kpi.event, period.first, period.last))
    return f"{write_address(choice, tile.kpi.key, view.heat)}#trend"


def build_lists(overview: Overview) -> list[ShortList]:
    """The products, categories and brands with the most net revenue."""
    choice, tops = overview.choice, overview.breakdowns
    about = _("Those with the most net revenue in the period, and its change. A line opens the report.")
    return [
        _build_list("products", _("Top products"), about, tops.products, choice),
        _build_list("categories", _("Top categories"), about, tops.categories, choice),
        _build_list("brands", _("Top brands"), about, tops.brands, choice),
    ]


def build_moves(overview: Overview) -> list[ShortList]:
    """The categories that gained and lost the most money against the comparison."""
    choice, tops = overview.choice, overview.breakdowns
    about = _("Net revenue of categories of two levels, against the earlier period. A line opens the report.")
    return [
        _build_list("categories", _("Gained most"), about, tops.gains, choice, "gains", by_difference=True),
        _build_list("categories", _("Lost most"), about, tops.losses, choice, "losses", by_difference=True),
    ]


def _build_list(
    tab: str, title: str, about: str, earners: Sequence[Earner], choice: PeriodChoice, key: str = "", by_difference: bool = False
) -> ShortList:
    sizes = [abs(earner.difference if by_difference else earner.revenue) for earner in earners]
    most = max(sizes, default=Decimal(0)) or Decimal(1)
    rows = [
        ShortRow(*_name(tab, earner), earner.key, link_to_report(tab, choice, earner.key), earner, float(size / most))
        for earner, size in zip(earners, sizes, strict=True)
    ]
    return ShortList(key or tab, title, about, rows, link_to_report(tab, choice))


def _name(tab: str, earner: Earner) -> tuple[str, str]:
    match tab:
        case "products":
            parts = (earner.key if earner.name else "", earner.brand, name_category(earner.category, earner.category_name))
            return earner.name or earner.key, " · ".join(filter(None, parts))
        case "brands":
            return name_brand(earner.key), ""
    return name_category(earner.key, earner.name), ""


def link_to_report(tab: str, choice: PeriodChoice, key: str = "") -> str:
    """A product is searched, a category opens its next level, a brand its products."""
    filters = {"products": {"q": key}, "categories": {"category": key}, "brands": {"tab": "products", "brand": key}}
    parameters = choice.parameters | {"tab": tab} | (filters[tab] if key else {})
    return f"{reverse('insights:products')}?{urlencode(parameters)}"
