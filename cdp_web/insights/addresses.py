"""Addresses within the products report: tabs, sorting, pages. Each keeps the period."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from cdp_web.insights.things import TABS, ThingQuery
from cdp_web.layout.headings import Heading, Sorting
from cdp_web.overview.periods import PeriodChoice


def build_address(query: ThingQuery, choice: PeriodChoice, csv: str = "", **changes: Any) -> str:
    """Another page of the report; a change of anything but the page leads to the first one."""
    next_query = replace(query, **({"page": 1} | changes))
    order = f"{'-' if next_query.descending else ''}{next_query.sort}"
    parameters = choice.parameters | {
        "tab": next_query.tab, "category": next_query.category, "brand": next_query.brand, "q": next_query.search,
        "sort": "" if order == "-revenue" else order, "page": str(next_query.page) if next_query.page > 1 else "", "csv": csv,
    }  # fmt: skip
    return "?" + urlencode({key: value for key, value in parameters.items() if value})


def list_tabs(query: ThingQuery, choice: PeriodChoice) -> list[tuple[str, str, bool]]:
    """Title, address, and whether it is the current one. Another tab shows everything."""
    return [
        (str(title), build_address(query, choice, tab=key, category="", brand="", search=""), key == query.tab)
        for key, title in TABS.items()
    ]


def build_headings(query: ThingQuery, choice: PeriodChoice, *, has_change: bool) -> list[Heading]:
    sums = _("Sum of the period.")
    exact = _("Distinct customers of the period. They do not add up over rows: one customer may have bought several.")
    rate = _("Of the customers who viewed it in the period; the order of the two does not matter.")
    revenue = _("Purchases less refunds in the period.")
    specs = [
        ("name", str(TABS[query.tab]), "", "nowrap"), ("revenue", _("Net revenue"), revenue, "number"),
        ("change" if has_change else "", _("Change"), _("Of net revenue, against the period to compare with."), "number"),
        ("", _("Trend"), _("Net revenue by day."), "number"), ("orders", _("Orders"), sums, "number"),
        ("items", _("Items"), sums, "number"), ("buyers", _("Buyers"), exact, "number"),
        ("viewers", _("Viewers"), exact, "number"), ("not_bought", _("Viewed, not bought"), exact, "number"),
        ("", _("View to cart"), rate, "number"), ("", _("View to purchase"), rate, "number"),
        ("views", _("Views"), sums, "number"), ("carts", _("Carts"), sums, "number"),
    ]  # fmt: skip
    sorting = Sorting(
        query.sort, query.descending, lambda key, descending: build_address(query, choice, sort=key, descending=descending)
    )
    return [
        sorting.build_heading(key, title, about, css, starts_high=key != "name") if key else Heading(title, about, css)
        for key, title, about, css in specs
    ]
