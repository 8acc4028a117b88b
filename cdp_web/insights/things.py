"""Products, categories and brands: what a page of the report lists, and the rules that lead from a row to its customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.customers.links import link_to_customers
from cdp_web.layout.pages import parse_whole_number
from cdp_web.overview.periods import Period
from cdp_web.segments.starter_rules import Node, all_of

Tab = Literal["products", "categories", "brands"]
TABS: dict[str, Any] = {
    "products": gettext_lazy("Products"),
    "categories": gettext_lazy("Categories"),
    "brands": gettext_lazy("Brands"),
}
LEVELS = 3
#: Columns that Postgres has, and columns that the snapshot has. A list can be sorted by all of them.
SUMS = ("views", "carts", "orders", "items", "revenue", "change")
PEOPLE = ("viewers", "buyers", "not_bought")
SORTS = ("name", *SUMS, *PEOPLE)
MAX_SEARCH = 100


class InsightError(ValueError):
    """The parameters of a report are invalid; the message lists the valid ones."""


@dataclass(frozen=True, slots=True)
class ThingQuery:
    """`category` is the category whose next level is listed, or whose products are; `brand` filters products."""

    tab: Tab = "products"
    category: str = ""
    brand: str = ""
    search: str = ""
    sort: str = "revenue"
    descending: bool = True
    page: int = 1

    @property
    def level(self) -> int:
        return self.category.count(".") + 2 if self.category else 1

    @property
    def ancestors(self) -> list[str]:
        """The chosen category and those above it, from the first level."""
        parts = self.category.split(".") if self.category else []
        return [".".join(parts[: number + 1]) for number in range(len(parts))]


def parse_thing_query(parameters: Mapping[str, str]) -> ThingQuery:
    tab = parameters.get("tab", "") or "products"
    if tab not in TABS:
        raise InsightError(_("tab must be one of %(tabs)s.") % {"tabs": ", ".join(TABS)})
    category, brand = parameters.get("category", ""), parameters.get("brand", "")
    if tab == "categories" and category.count(".") + 2 > LEVELS:
        raise InsightError(
            _("category must have one or two levels, such as electronics.audio: categories are shown by three levels.")
        )
    order = parameters.get("sort", "") or "-revenue"
    if order.removeprefix("-") not in SORTS:
        raise InsightError(_("sort must be one of %(sorts)s; a - in front reverses the order.") % {"sorts": ", ".join(SORTS)})
    page = parse_whole_number(parameters.get("page", "") or "1")
    if page is None:
        raise InsightError(_("page must be a number from 1."))
    search = parameters.get("q", "").strip()
    if any(len(text) > MAX_SEARCH or "\0" in text for text in (search, category, brand)):
        raise InsightError(_("q, category and brand have at most %(most)s characters.") % {"most": MAX_SEARCH})
    return ThingQuery(tab, category, brand, search, order.removeprefix("-"), order.startswith("-"), page)  # type: ignore[arg-type]


def build_filters(tab: Tab, key: str, level: int) -> list[Node]:
    """The filters of a behaviour that select the events of one row."""
    if tab == "products":
        return [_is("product_id", key)]
    if tab == "brands":
        return [_is("brand", key)]
    parts = key.split(".") if key else []
    return [_is(f"category_{number + 1}", parts[number] if number < len(parts) else "") for number in range(level)]


def _is(field: str, value: str) -> Node:
    return {"field": field, "operator": "eq", "value": value} if value else {"field": field, "operator": "is_not_set"}


def build_behaviour(event: str, filters: list[Node], period: Period, *, did: bool = True) -> Node:
    window = {"between": [period.first.isoformat(), period.last.isoformat()]}
    return {"behaviour": {"event": event, "did": did, "where": filters, "window": window}}


@dataclass(frozen=True, slots=True)
class ThingLinks:
    """The addresses of the customers behind one row."""

    buyers: str
    viewers: str
    not_bought: str


def link_row(tab: Tab, key: str, level: int, period: Period) -> ThingLinks:
    filters = build_filters(tab, key, level)
    bought, viewed = (build_behaviour(event, filters, period) for event in ("purchase", "view"))
    not_bought = all_of(viewed, build_behaviour("purchase", filters, period, did=False))
    return ThingLinks(*(link_to_customers(node) for node in (bought, viewed, not_bought)))
