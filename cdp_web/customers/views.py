"""The customer list and the page of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.metrics import GROUPS, LIFECYCLES, metrics_of
from cdp_web.customers.listing import CustomerQuery, ListingError, customer_page_get, parse_query
from cdp_web.customers.profiles import profile_get
from cdp_web.customers.sparkline import DAYS, HEIGHT, WIDTH, build_bars
from cdp_web.layout.pages import answer_bad_request
from cdp_web.layout.templatetags.cdp import column_class
from cdp_web.segments.selectors import segments_get_for_customer
from cdp_web.serving.publications import publication_get_for_request
from cdp_web.serving.snapshot_query import LIST_COLUMNS, snapshot_open


@dataclass(frozen=True, slots=True)
class Heading:
    """A column heading that sorts."""

    title: str
    about: str
    css: str
    link: str
    sorted: str  # "ascending", "descending" or empty


@require_safe
def customer_list(request: HttpRequest) -> HttpResponse:
    try:
        query = parse_query(request.GET)
    except ListingError as error:
        return answer_bad_request(request, str(error))
    page = customer_page_get(snapshot_open(publication_get_for_request(request)), query)
    context = {
        "page": page,
        "query": query,
        "headings": _build_headings(query),
        "columns": LIST_COLUMNS,
        "lifecycles": LIFECYCLES,
        "previous_link": _build_link(query, page=query.page - 1) if query.page > 1 else "",
        "next_link": _build_link(query, page=query.page + 1) if query.page < page.pages else "",
    }
    template = "customers/results.html" if request.htmx and not request.htmx.boosted else "customers/list.html"
    return render(request, template, context)


@require_safe
def customer_detail(request: HttpRequest, customer_id: str) -> HttpResponse:
    publication = publication_get_for_request(request)
    profile = profile_get(publication, customer_id)
    if profile is None:
        raise Http404(f"There is no customer {customer_id} in publication {publication.id}.")
    by_day = [(day, list(events)) for day, events in groupby(profile.recent, key=lambda event: event.time.date())]
    context = {
        "profile": profile,
        "groups": [(group, metrics_of(group)) for group in GROUPS],
        "bars": build_bars(profile.days, publication.day),
        "spark": {"days": DAYS, "width": WIDTH, "height": HEIGHT},
        "events_by_day": by_day,
        "memberships": segments_get_for_customer(customer_id),
    }
    return render(request, "customers/detail.html", context)


def _build_headings(query: CustomerQuery) -> list[Heading]:
    customer = _build_heading(query, "customer_id", "Customer", "The id from the shop.", "")
    return [customer, *(_build_heading(query, m.key, m.title, m.about, column_class(m)) for m in LIST_COLUMNS)]


def _build_heading(query: CustomerQuery, key: str, title: str, about: str, css: str) -> Heading:
    """A click sorts by the column, numbers in descending order; a second click reverses the order."""
    is_sorted = query.sort == key
    descending = not query.descending if is_sorted else css == "number"
    order = ("descending" if query.descending else "ascending") if is_sorted else ""
    return Heading(title, about, css, _build_link(query, sort=f"{'-' if descending else ''}{key}", page=1), order)


def _build_link(query: CustomerQuery, sort: str = "", page: int = 1) -> str:
    order = sort or f"{'-' if query.descending else ''}{query.sort}"
    parameters = {"q": query.search, "lifecycle": query.lifecycle, "sort": order, "page": page if page > 1 else ""}
    return "?" + urlencode({key: value for key, value in parameters.items() if value})
