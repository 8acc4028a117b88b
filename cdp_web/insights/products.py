"""The report on products, categories and brands: a page of rows with their customers, the greatest ones, and their days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from cdp.days import days_between
from cdp_web.charts.sparkline import draw_line
from cdp_web.insights.thing_selectors import (
    MAX_ROWS,
    PAGE_SIZE,
    People,
    ThingPage,
    ThingSums,
    people_count,
    thing_days_get,
    things_get,
)
from cdp_web.insights.things import LEVELS, PEOPLE, InsightError, ThingLinks, ThingQuery, link_row
from cdp_web.layout import formats
from cdp_web.names.selectors import Names, names_get
from cdp_web.overview.periods import Period
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open

TOP = 10
DRAWN = 5
Days = Mapping[str, Mapping[date, Decimal]]


@dataclass(frozen=True, slots=True)
class ThingRow:
    sums: ThingSums
    people: People
    links: ThingLinks
    label: str
    #: Of the product or category, and of the product's category; empty if the shop has none.
    name: str
    category_name: str
    is_deeper: bool  # the category has a next level
    line: str

    @property
    def cart_rate(self) -> float | None:
        return self.people.viewers_carted / self.people.viewers if self.people.viewers else None

    @property
    def purchase_rate(self) -> float | None:
        return self.people.viewers_bought / self.people.viewers if self.people.viewers else None


@dataclass(frozen=True, slots=True)
class ProductReport:
    publication: Publication
    query: ThingQuery
    period: Period
    before: Period | None
    rows: list[ThingRow]
    total: int
    revenue: Decimal
    top: list[ThingSums]
    top_days: Days
    names: Names

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        return (self.query.page - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def products_read(publication: Publication, query: ThingQuery, period: Period, before: Period | None) -> ProductReport:
    snapshot = snapshot_open(publication)
    page, people = _read_page(snapshot, query, period, before, PAGE_SIZE)
    by_revenue = replace(query, sort="revenue", descending=True, page=1)
    greatest = (page if query == by_revenue else things_get(by_revenue, period, before, limit=TOP)).rows[:TOP]
    keys = {row.key for row in (*page.rows, *greatest)}
    days, names = thing_days_get(query, period, sorted(keys)), names_read(query, [*page.rows, *greatest])
    rows = [_build_row(query, period, sums, people, days, names) for sums in page.rows]
    return ProductReport(publication, query, period, before, rows, page.total, page.revenue, greatest, days, names)


def products_read_all(publication: Publication, query: ThingQuery, period: Period, before: Period | None) -> list[ThingRow]:
    """Every row of the query, for a file."""
    page, people = _read_page(snapshot_open(publication), replace(query, page=1), period, before, MAX_ROWS)
    if page.total > MAX_ROWS:
        raise InsightError(
            _("The table has more than %(most)s rows; search, or choose a category or brand.") % {"most": formats.count(MAX_ROWS)}
        )
    names = names_read(query, page.rows)
    return [_build_row(query, period, sums, people, {}, names) for sums in page.rows]


def names_read(query: ThingQuery, rows: Sequence[ThingSums]) -> Names:
    """The names of these rows, of the categories of products, and of the chosen category and those above it."""
    keys = [row.key for row in rows]
    categories = keys if query.tab == "categories" else [row.category for row in rows]
    return names_get(products=keys if query.tab == "products" else (), categories=[*categories, *query.ancestors])


def _read_page(
    snapshot: Snapshot, query: ThingQuery, period: Period, before: Period | None, limit: int
) -> tuple[ThingPage, dict[str, People]]:
    """To sort by customers, all rows must be counted; otherwise only those of the page."""
    if query.sort in PEOPLE or limit == MAX_ROWS:
        people = people_count(snapshot, query, period)
        return things_get(query, period, before, limit=limit, people=people), people
    page = things_get(query, period, before, limit=limit)
    return page, people_count(snapshot, query, period, [row.key for row in page.rows])


def _build_row(
    query: ThingQuery, period: Period, sums: ThingSums, people: Mapping[str, People], days: Days, names: Names
) -> ThingRow:
    by_day = days.get(sums.key, {})
    is_whole = bool(sums.key) and sums.key.count(".") + 1 == query.level
    return ThingRow(
        sums,
        people.get(sums.key, People()),
        link_row(query.tab, sums.key, query.level, period),
        build_label(query, sums.key, names),
        find_name(query, sums.key, names),
        names.categories.get(sums.category, ""),
        is_deeper=query.tab == "categories" and query.level < LEVELS and is_whole,
        line=draw_line([by_day.get(day, 0) for day in days_between(period.first, period.last)]) if by_day else "",
    )


def find_name(query: ThingQuery, key: str, names: Names) -> str:
    """The name of a product or category; empty if the shop has none."""
    named = {"products": names.products, "categories": names.categories}
    return named.get(query.tab, {}).get(key, "")


def build_label(query: ThingQuery, key: str, names: Names) -> str:
    """A category of fewer levels keeps its name at the deeper levels, so the row says that it is the rest."""
    if not key:
        return _("No brand") if query.tab == "brands" else _("No category")
    if query.tab == "categories" and key == query.category:
        return _("%(category)s, no further level") % {"category": names.name_category(key)}
    return find_name(query, key, names) or key
