"""The pages of alerts: all of them with filters, one with its evidence, and the decisions of people."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, require_role
from cdp_web.fraud.alerts import (
    MOST_EXPORTED,
    PAGE_SIZE,
    Alert,
    AlertFilter,
    Status,
    alert_get,
    alerts_count,
    alerts_get,
    streams_have_run,
)
from cdp_web.fraud.models import FraudRule
from cdp_web.fraud.services import alerts_decide
from cdp_web.layout import formats
from cdp_web.layout.pages import answer_bad_request, parse_whole_number
from cdp_web.layout.spreadsheets import escape_formula
from cdp_web.names.people import people_get
from cdp_web.names.selectors import names_get

#: Choices of the filter: alerts found within so many days.
DAYS = (1, 7, 30)
#: The word in an address for alerts of every state.
ALL = "all"
_COLUMNS = (
    "alert_id", "rule", "customer_id", "happened_at", "found_at", "state", "note", "changed_by", "changed_at", "orders", "amount",
    "failed_payments",
)  # fmt: skip


@require_safe
def alert_list(request: HttpRequest) -> HttpResponse:
    try:
        chosen, before = parse_filter(request)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    alerts = alerts_get(chosen, before)
    shown = alerts[:PAGE_SIZE]
    counts = alerts_count(chosen)
    context = {
        "alerts": shown,
        "people": people_get(request.user, [alert.customer_id for alert in shown]),
        "chosen": chosen,
        "tabs": _build_tabs(chosen, counts),
        "rules": FraudRule.objects.all(),
        "days": DAYS,
        "older": make_link(chosen, shown[-1].id) if len(alerts) > PAGE_SIZE else "",
        "newest": make_link(chosen) if before else "",
        "here": request.get_full_path(),
        "export": f"{reverse('fraud:export')}?{urlencode(_list_values(chosen))}",
        "has_run": bool(shown) or streams_have_run(),
        "is_filtered": bool(chosen.rule_id or chosen.customer_id or chosen.days),
    }
    return render(request, "fraud/alerts.html", context)


@require_safe
def alert_detail(request: HttpRequest, alert_id: int) -> HttpResponse:
    alert = _alert_or_404(alert_id)
    evidence = alert.evidence
    customers = [alert.customer_id, *(order.customer_id for order in evidence.orders)]
    context = {
        "alert": alert,
        "person": people_get(request.user, customers),
        "names": names_get(products=(product for order in evidence.orders for product in order.products)),
        "has_other_customers": len(set(customers)) > 1,
        "rule": FraudRule.objects.filter(pk=alert.rule_id).first(),
        "others": [each for each in alerts_get(AlertFilter(customer_id=alert.customer_id), limit=6) if each.id != alert.id][:5],
    }
    return render(request, "fraud/alert.html", context)


@require_POST
def alert_decide(request: HttpRequest, alert_id: int) -> HttpResponse:
    _alert_or_404(alert_id)
    _decide(request, [alert_id])
    return redirect("fraud:alert", alert_id)


@require_POST
def alerts_decide_many(request: HttpRequest) -> HttpResponse:
    ids = [parse_whole_number(text) for text in request.POST.getlist("alert")]
    chosen = [each for each in ids if each is not None]
    if chosen:
        _decide(request, chosen)
    else:
        messages.error(request, _("Choose the alerts first."))
    here = request.POST.get("here", "")
    is_ours = url_has_allowed_host_and_scheme(here, allowed_hosts=None) and here.startswith(reverse("fraud:alerts"))
    return redirect(here if is_ours else "fraud:alerts")


@require_role(Role.ANALYST)
@require_safe
def alerts_export(request: HttpRequest) -> HttpResponse:
    try:
        chosen, _before = parse_filter(request)
        alerts = alerts_get(chosen, limit=MOST_EXPORTED + 1)
        if len(alerts) > MOST_EXPORTED:
            says = _("A file has at most %(most)s alerts. Choose fewer days.")
            raise ValueError(says % {"most": formats.count(MOST_EXPORTED)})
    except ValueError as error:
        return answer_bad_request(request, str(error))
    audit_record("export", "alerts", details={"alerts": len(alerts)})
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerows([_COLUMNS, *(_make_row(alert) for alert in alerts)])
    response = HttpResponse(lines.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="alerts.csv"'
    return response


def parse_filter(request: HttpRequest) -> tuple[AlertFilter, int | None]:
    """The filter and the id before which a page begins; ValueError names the valid values."""
    values = request.GET
    status = values.get("state", Status.OPEN)
    if status not in (*Status.values, ALL):
        raise ValueError(f"state must be one of {', '.join((*Status.values, ALL))}.")
    numbers = {name: parse_whole_number(values[name]) for name in ("rule", "days", "before") if values.get(name)}
    for name, number in numbers.items():
        if number is None:
            raise ValueError(f"{name} must be a whole number.")
    customer_id = values.get("customer", "").strip().replace("\0", "")
    chosen = AlertFilter("" if status == ALL else status, numbers.get("rule"), customer_id, numbers.get("days"))
    return chosen, numbers.get("before")


def make_link(chosen: AlertFilter, before: int | None = None) -> str:
    return f"{reverse('fraud:alerts')}?{urlencode(_list_values(chosen) | ({'before': before} if before else {}))}"


def _list_values(chosen: AlertFilter) -> dict[str, Any]:
    values = {"rule": chosen.rule_id, "customer": chosen.customer_id, "days": chosen.days}
    return {"state": chosen.status or ALL} | {name: value for name, value in values.items() if value}


def _build_tabs(chosen: AlertFilter, counts: dict[str, int]) -> list[dict[str, Any]]:
    titles = [(status, Status(status).label, counts[status]) for status in Status.values]
    return [
        {
            "status": status or ALL,
            "title": title,
            "count": count,
            "link": make_link(replace(chosen, status=str(status))),
            "is_current": status == chosen.status,
        }
        for status, title, count in (*titles, ("", _("All"), sum(counts.values())))
    ]


def _decide(request: HttpRequest, alert_ids: list[int]) -> None:
    status = request.POST.get("state", "")
    note = request.POST.get("note", "").replace("\0", "")
    try:
        count = alerts_decide(alert_ids=alert_ids, status=status, note=note, user=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        says = ngettext("%(count)s alert is %(state)s now.", "%(count)s alerts are %(state)s now.", count)
        messages.success(request, says % {"count": formats.count(count), "state": Status(status).label.lower()})


def _make_row(alert: Alert) -> list[Any]:
    evidence = alert.evidence
    texts = [escape_formula(text) for text in (alert.rule_name, alert.customer_id)]
    changed_at = alert.changed_at.isoformat() if alert.changed_at else ""
    return [
        alert.id, *texts, alert.happened_at.isoformat(), alert.found_at.isoformat(), alert.status, escape_formula(alert.note),
        alert.changed_by or "", changed_at, " ".join(order.order_id for order in evidence.orders),
        evidence.amount if evidence.orders else "", len(evidence.payments),
    ]  # fmt: skip


def _alert_or_404(alert_id: int) -> Alert:
    alert = alert_get(alert_id)
    if alert is None:
        raise Http404(_("There is no alert %(id)s.") % {"id": alert_id})
    return alert
