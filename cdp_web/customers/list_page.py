"""The page with the list of customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cdp.metrics import GROUPS, LIFECYCLES, Metric, metrics_of
from cdp.rules import CUSTOMER_ID, Compare
from cdp_web.accounts.roles import role_get
from cdp_web.customers.errors import show_list_errors
from cdp_web.customers.filters import QUICK_FILTERS, QuickFilter, add_condition, build_chips, read_condition
from cdp_web.customers.keyset import Order
from cdp_web.customers.listing import CustomerQuery, build_link, list_pairs, parse_query, write_rule
from cdp_web.customers.saved_views import views_get, write_parameters
from cdp_web.customers.selectors import CustomerPage, customer_page_get
from cdp_web.layout.facts import get_title, localize
from cdp_web.layout.headings import Heading, Sorting
from cdp_web.layout.templatetags.cdp import column_class
from cdp_web.names.people import may_see_people, people_get
from cdp_web.names.selectors import list_codes, names_get
from cdp_web.serving.publications import publication_get_for_request
from cdp_web.serving.snapshot_query import snapshot_open


@dataclass(frozen=True, slots=True)
class Portion:
    """The customers of one lifecycle within the list: a part of the bar, which opens them."""

    lifecycle: str
    customers: int
    share: float
    start: float
    number: int
    link: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A quick filter with the address of the list for each of its choices."""

    filter: QuickFilter
    links: list[tuple[str, str]]


@require_safe
@show_list_errors
def customer_list(request: HttpRequest) -> HttpResponseBase:
    query = parse_query(request.GET)
    if condition := read_condition(request.GET):
        return redirect(reverse("customers:list") + build_link(narrow(query, condition)))
    page = customer_page_get(snapshot_open(publication_get_for_request(request)), query)
    template = "customers/results.html" if request.htmx and not request.htmx.boosted else "customers/list.html"  # type: ignore[attr-defined]
    return render(request, template, _build_context(request, page))


def narrow(query: CustomerQuery, condition: Compare) -> CustomerQuery:
    """The first page of the list with one more condition."""
    return replace(query, rule=add_condition(query.rule, condition), cursor=None)


def build_portions(page: CustomerPage) -> list[Portion]:
    """The lifecycles of the whole list, in their own order."""
    portions, start = [], 0.0
    for number, lifecycle in enumerate(LIFECYCLES, 1):
        if customers := page.lifecycles.get(lifecycle, 0):
            share = customers / page.total
            link = build_link(narrow(page.query, Compare("lifecycle", "eq", lifecycle)))
            portions.append(Portion(lifecycle, customers, share, start, number, link))
            start += share
    return portions


def _build_context(request: HttpRequest, page: CustomerPage) -> dict[str, Any]:
    query = page.query
    parameters = write_parameters(query)
    return {
        "people": people_get(request.user, [row[CUSTOMER_ID] for row in page.rows]),
        "names": names_get(categories=list_codes(page.rows)),
        "page": page,
        "query": query,
        "pairs": list_pairs(query),
        "parameters": parameters,
        "rule": write_rule(query.rule) if query.rule is not None else "",
        "headings": _build_headings(query),
        "columns": query.columns,
        "chips": build_chips(query, page.references.names),
        "without_filters": build_link(replace(query, rule=None, search="", cursor=None)),
        "portions": build_portions(page),
        "menus": [Menu(each, _list_choices(query, each)) for each in QUICK_FILTERS],
        "groups": [(group, metrics_of(group)) for group in GROUPS],
        "views": [(view, view.parameters == parameters) for view in views_get(request.user)],
        "offers_people": may_see_people(request.user),
        "may_change": role_get(request.user).may_change,  # type: ignore[union-attr]
        "previous_link": build_link(query, before=page.previous.encode()) if page.previous else "",
        "next_link": build_link(query, after=page.next.encode()) if page.next else "",
    }


def _list_choices(query: CustomerQuery, quick: QuickFilter) -> list[tuple[str, str]]:
    return [(each, build_link(narrow(query, Compare(quick.metric.key, "eq", each)))) for each in quick.choices]


def _build_headings(query: CustomerQuery) -> list[Heading]:
    """Numbers and days begin with the highest."""
    order = query.order
    sorting = Sorting(order.sort, order.descending, lambda *chosen: build_link(replace(query, order=Order(*chosen))))
    customer = sorting.build_heading(CUSTOMER_ID, _("Customer"), _("The id from the shop."), starts_high=False)
    return [customer, *(_build_metric_heading(sorting, metric) for metric in query.columns)]


def _build_metric_heading(sorting: Sorting, metric: Metric) -> Heading:
    title, about, css = get_title(metric), localize(metric.about), column_class(metric)
    return sorting.build_heading(metric.key, title, about, css, starts_high=metric.kind != "text")
