"""The customer list and the page of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.metrics import GROUPS, LIFECYCLES, metrics_of
from cdp_web.customers.columns import LIST_COLUMNS
from cdp_web.customers.listing import CustomerQuery, ListingError, customer_page, query_from
from cdp_web.customers.profiles import profile_get
from cdp_web.customers.sparkline import DAYS, HEIGHT, WIDTH, bars_of
from cdp_web.layout.pages import bad_request
from cdp_web.layout.templatetags.cdp import column_class
from cdp_web.publications.request import publication_of
from cdp_web.segments.selectors import segments_of_customer
from cdp_web.snapshot.query import snapshot_open


@dataclass(frozen=True, slots=True)
class Heading:
    """A column heading that sorts."""

    title: str
    about: str
    css: str
    link: str
    sorted: str  # "ascending", "descending" or nothing


@require_safe
def customer_list(request: HttpRequest) -> HttpResponse:
    try:
        query = query_from(request.GET)
    except ListingError as error:
        return bad_request(request, str(error))
    page = customer_page(snapshot_open(publication_of(request)), query)
    context = {
        "page": page,
        "query": query,
        "headings": _headings(query),
        "columns": LIST_COLUMNS,
        "lifecycles": LIFECYCLES,
        "previous_link": _link(query, page=query.page - 1) if query.page > 1 else "",
        "next_link": _link(query, page=query.page + 1) if query.page < page.pages else "",
    }
    template = "customers/results.html" if request.htmx and not request.htmx.boosted else "customers/list.html"
    return render(request, template, context)


@require_safe
def customer_detail(request: HttpRequest, customer_id: str) -> HttpResponse:
    publication = publication_of(request)
    profile = profile_get(publication, customer_id)
    if profile is None:
        raise Http404(f"Publication {publication.id} knows no customer {customer_id}.")
    by_day = [(day, list(events)) for day, events in groupby(profile.recent, key=lambda event: event.time.date())]
    context = {
        "profile": profile,
        "groups": [(group, metrics_of(group)) for group in GROUPS],
        "bars": bars_of(profile.days, publication.day),
        "spark": {"days": DAYS, "width": WIDTH, "height": HEIGHT},
        "events_by_day": by_day,
        "memberships": segments_of_customer(customer_id),
    }
    return render(request, "customers/detail.html", context)


def _headings(query: CustomerQuery) -> list[Heading]:
    customer = _heading(query, "customer_id", "Customer", "The id that the shop gave.", "")
    return [customer, *(_heading(query, m.key, m.title, m.about, column_class(m)) for m in LIST_COLUMNS)]


def _heading(query: CustomerQuery, key: str, title: str, about: str, css: str) -> Heading:
    """A click sorts by the column, numbers from the greatest; another click turns the order round."""
    is_sorted = query.sort == key
    descending = not query.descending if is_sorted else css == "number"
    order = ("descending" if query.descending else "ascending") if is_sorted else ""
    return Heading(title, about, css, _link(query, sort=f"{'-' if descending else ''}{key}", page=1), order)


def _link(query: CustomerQuery, sort: str = "", page: int = 1) -> str:
    order = sort or f"{'-' if query.descending else ''}{query.sort}"
    given = {"q": query.search, "lifecycle": query.lifecycle, "sort": order, "page": page if page > 1 else ""}
    return "?" + urlencode({key: value for key, value in given.items() if value})
