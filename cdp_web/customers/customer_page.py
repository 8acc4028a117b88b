"""The page of one customer, as of the published day or an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from cdp.days import day_from_text
from cdp.interests import HALF_LIFE_MINUTES, STRENGTHS
from cdp.metrics import BY_KEY, GROUPS, METRICS, Metric, MetricGroup, metrics_of
from cdp.settings import current
from cdp_web.charts.csv import answer_csv
from cdp_web.customers.activity import Activity, activity_get
from cdp_web.customers.advice import GROUP_ADVICE, LIFECYCLE_ADVICE
from cdp_web.customers.figures import list_charts
from cdp_web.customers.headlines import find_cart, list_headlines
from cdp_web.customers.profiles import EVENT_TYPES, Profile, profile_get
from cdp_web.customers.ranks import Rank, ranks_get
from cdp_web.customers.timeline import build_timeline, list_types
from cdp_web.fraud.alerts import alerts_count_open
from cdp_web.layout import formats
from cdp_web.layout.facts import get_rule_language
from cdp_web.layout.pages import answer_bad_request
from cdp_web.live.interests import right_now_get
from cdp_web.names.people import people_get
from cdp_web.names.selectors import Names, list_codes, names_get
from cdp_web.recommend.lists import customer_lists_read
from cdp_web.segments.models import Reason
from cdp_web.segments.selectors import stays_get_for_customer
from cdp_web.serving.past import past_days_get, past_snapshot_open
from cdp_web.serving.publications import Publication, publication_get_for_request
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from cdp_web.serving.snapshot_store import KEY, TABLE

SECONDS = 10
HEADLINES_SHOWN = 3
WORTH = "total_purchase_value"
_COLUMNS = ", ".join((KEY, *(metric.key for metric in METRICS)))
#: Why a customer entered a segment.
ENTRY_REASONS: Mapping[str, str | Promise] = {
    Reason.CREATED: gettext_lazy("when the segment was made"),
    Reason.DATA: gettext_lazy("because of what the customer did"),
    Reason.WINDOW: gettext_lazy("because time has passed"),
    Reason.RULE: gettext_lazy("because the rule changed"),
    Reason.LIST: gettext_lazy("because a list changed"),
    Reason.RESTORED: gettext_lazy("when the segment was restored"),
}


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """The customer in a snapshot."""

    metrics: dict[str, Any]
    activity: Activity
    worth: Rank | None


@dataclass(frozen=True, slots=True)
class MetricRow:
    metric: Metric
    value: Any
    rank: Rank | None


@require_safe
def customer_detail(request: HttpRequest, customer_id: str) -> HttpResponse:
    if request.GET.get("part") == "now":
        return render(request, "customers/right_now.html", _build_now(customer_id))
    if request.GET.get("part") == "recommended":
        return render(request, "recommend/lists.html", {"panel": customer_lists_read(customer_id)})
    serving = publication_get_for_request(request)
    past = past_days_get()
    as_of = request.GET.get("as_of") or serving.day.isoformat()
    publication = next((each for each in (serving, *past) if each.day.isoformat() == as_of), None)
    if publication is None:
        return answer_bad_request(request, _describe_days(as_of, past))
    is_past = publication is not serving
    snapshot = past_snapshot_open(publication) if is_past else snapshot_open(publication)
    if request.GET.get("part") == "metrics":
        groups = metrics_get(snapshot, customer_id)
        codes = list_codes([{row.metric.key: row.value for _, rows in groups for row in rows}])
        return render(
            request, "customers/metrics.html", {"groups": groups, "as_of": publication.day, "names": names_get(categories=codes)}
        )
    profile = None if is_past else profile_get(publication, customer_id)
    row = customer_row_get(snapshot, customer_id)
    if row is None or (profile is None and not is_past):
        raise Http404(_describe_unknown(customer_id, publication, is_past))
    names = _read_names(row, profile, publication)
    charts = list_charts(row.activity, get_rule_language(), names)
    if answer := answer_csv(request, charts):
        return answer
    context: dict[str, Any] = {"customer_id": customer_id, "as_of": publication.day, "is_past": is_past, "charts": charts}
    context |= {"serving": serving, "past": past, "names": names} | _build_head(row, publication)
    context["person"] = people_get(request.user, [customer_id]).get(customer_id)
    context |= {} if profile is None else _build_history(profile)
    context["open_alerts_of_customer"] = 0 if is_past else alerts_count_open(customer_id)
    return render(request, "customers/detail.html", context)


def customer_row_get(snapshot: Snapshot, customer_id: str) -> CustomerRow | None:
    """None if the snapshot has no such customer."""
    with snapshot.open_session(SECONDS) as session:
        rows = session.read_rows(f"SELECT {_COLUMNS} FROM {TABLE} WHERE customer_id = ?", [customer_id])
        if not rows:
            return None
        metrics = rows[0]
        day = snapshot.publication.day
        activity = activity_get(session, metrics.pop(KEY), metrics["first_seen"] or day, day)
        worth = ranks_get(session, metrics, (WORTH,)).get(WORTH) if metrics.get("total_purchase") else None
    return CustomerRow(metrics, activity, worth)


def metrics_get(snapshot: Snapshot, customer_id: str) -> list[tuple[MetricGroup, list[MetricRow]]]:
    """All metrics by theme, each with the customer's rank. A theme without any value is left out, such as the account in a shop
    without a database. Raises Http404 for an unknown customer."""
    with snapshot.open_session(SECONDS) as session:
        rows = session.read_rows(f"SELECT {_COLUMNS} FROM {TABLE} WHERE customer_id = ?", [customer_id])
        if not rows:
            raise Http404(_describe_unknown(customer_id, snapshot.publication, is_past=False))
        ranks = ranks_get(session, rows[0])
    themes = (
        (group, [MetricRow(metric, rows[0][metric.key], ranks.get(metric.key)) for metric in metrics_of(group)])
        for group in GROUPS
    )
    return [(group, lines) for group, lines in themes if any(line.value is not None for line in lines)]


def _read_names(row: CustomerRow, profile: Profile | None, publication: Publication) -> Names:
    """The names of all products and categories on the page."""
    favourites, recent = row.activity.favourites, profile.recent if profile else []
    products = [*(each.name for each in favourites["product"]), *(event.product_id for event in recent)]
    categories = [*(each.name for each in favourites["category"]), *(event.category_code for event in recent)]
    return names_get(products=[*products, *find_cart(row.activity.moves, publication.day).products], categories=categories)


def _build_head(row: CustomerRow, publication: Publication) -> dict[str, Any]:
    metrics = row.metrics
    cart = find_cart(row.activity.moves, publication.day)
    headlines = list_headlines(metrics, cart, publication.day)[:HEADLINES_SHOWN]
    return {
        "metrics": metrics,
        "lifecycle": BY_KEY["lifecycle"],
        "lifecycle_advice": LIFECYCLE_ADVICE.get(metrics.get("lifecycle") or ""),
        "rfm_advice": GROUP_ADVICE.get(metrics.get("rfm_group") or ""),
        "worth": row.worth,
        "cart": cart,
        "headline": headlines[0] if headlines else None,
        "more_headlines": headlines[1:],
    }


def _build_history(profile: Profile) -> dict[str, Any]:
    """What is stored for the published day only."""
    stays = stays_get_for_customer(profile.customer_id)
    return {
        "profile": profile,
        **_build_now(profile.customer_id),
        "timeline": build_timeline(profile.recent),
        "types": [EVENT_TYPES[name] for name in list_types(profile.recent) if name in EVENT_TYPES],
        "stays": [(stay, ENTRY_REASONS.get(stay.entered_reason, "")) for stay in stays],
    }


def _build_now(customer_id: str) -> dict[str, Any]:
    """The panel that renews itself."""
    scale = {"strengths": STRENGTHS, "half_life": HALF_LIFE_MINUTES, "minutes": current().interest_minutes}
    return {"now": right_now_get(customer_id)} | scale


def _describe_days(text: str, past: list[Publication]) -> str:
    try:
        day = formats.day(day_from_text(text))
    except ValueError as error:
        return str(error)
    says = _("The customers of %(day)s can't be shown.") % {"day": day}
    days = ", ".join(formats.day(each.day) for each in past[:5])
    return says + " " + _("Earlier days that can be shown: %(days)s.") % {"days": days} if days else says


def _describe_unknown(customer_id: str, publication: Publication, is_past: bool) -> str:
    if is_past:
        return _("There was no customer with the ID “%(id)s” by %(day)s.") % {
            "id": customer_id,
            "day": formats.day(publication.day),
        }
    return _("There is no customer with the ID “%(id)s”.") % {"id": customer_id}
