"""Finds customers by the beginning of their name, e-mail or id. What somebody types is personal data, so it comes in the body of
the request: browsers and logs keep addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from cdp.rules import CUSTOMER_ID
from cdp_web.accounts.roles import Role, require_personal_data, require_role
from cdp_web.customers.errors import show_list_errors
from cdp_web.customers.listing import MAX_SEARCH, build_link, list_pairs, parse_query
from cdp_web.names.people import Person, people_find, people_get
from cdp_web.segments.selectors import customer_rows_get
from cdp_web.serving.publications import publication_get_for_request
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from cdp_web.serving.snapshot_store import TABLE

SHOWN = 20
SECONDS = 5
_METRICS = ("last_seen", "total_purchase", "total_purchase_value")


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """Without metrics for somebody who has an account, but no event by the published day."""

    customer_id: str
    person: Person | None
    metrics: dict[str, Any] | None


@require_role(Role.VIEWER)
@require_POST
@show_list_errors
def customer_find(request: HttpRequest) -> HttpResponseBase:
    """The customers whose name, e-mail or id begins with the text; for an empty text the list as it was."""
    require_personal_data(request.user)
    query = parse_query(request.POST)
    text = request.POST.get("text", "").replace("\0", "").strip()[:MAX_SEARCH]
    if not text:
        return redirect(reverse("customers:list") + build_link(query))
    snapshot = snapshot_open(publication_get_for_request(request))
    ids = _read_ids(snapshot, text)
    people = people_find(request.user, text, SHOWN + 1)
    found = _join(snapshot, people | people_get(request.user, [each for each in ids if each not in people]), ids)
    template = "customers/found.html" if request.htmx else "customers/found_page.html"  # type: ignore[attr-defined]
    context = {"found": found[:SHOWN], "has_more": len(found) > SHOWN, "has_ids": bool(ids)}
    return render(request, template, context | {"text": text, "pairs": list_pairs(query)})


def _read_ids(snapshot: Snapshot, text: str) -> list[str]:
    """The first ids that begin with the text."""
    sql = f"SELECT {CUSTOMER_ID} FROM {TABLE} WHERE starts_with({CUSTOMER_ID}, ?) ORDER BY {CUSTOMER_ID} LIMIT {SHOWN + 1}"
    return [row[CUSTOMER_ID] for row in snapshot.read_rows(sql, [text], seconds=SECONDS)]


def _join(snapshot: Snapshot, people: dict[str, Person], ids: list[str]) -> list[FoundCustomer]:
    """Those found by name or e-mail come first."""
    order = list(dict.fromkeys((*people, *ids)))
    rows = {row[CUSTOMER_ID]: row for row in customer_rows_get(snapshot, order, _METRICS)}
    return [FoundCustomer(each, people.get(each), rows.get(each)) for each in order]
