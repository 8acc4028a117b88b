"""The browser of rejected messages. Everybody sees the counts; the messages contain personal data, so viewers don't see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cdp.days import day_from_text, days_between
from cdp.events import FIELD_NAMES, REASONS
from cdp_web.accounts.roles import role_get
from cdp_web.charts.chart import Chart
from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.pipeline.charts import chart_rejected_days
from cdp_web.pipeline.quarantine import (
    MOST_DAYS,
    PAGE_SIZE,
    STATES,
    Place,
    QuarantineFilter,
    QuarantineTable,
    RejectionGroup,
    groups_get,
    messages_get,
    place_from_text,
    quarantine_open,
)

#: Days that the page shows without a choice, and bars of its chart.
DAYS, LEAST_CHART_DAYS, CHART_DAYS = 7, 14, 60
REASON_TEXTS = {reason.code: reason.says for reason in REASONS}


@dataclass(frozen=True, slots=True)
class GroupLine:
    group: RejectionGroup
    says: str
    link: str


@never_cache
@require_safe
def quarantine(request: HttpRequest) -> HttpResponse:
    table = quarantine_open()
    if table is None:
        return render(request, "pipeline/quarantine.html", {"is_empty": True})
    try:
        chosen, after = parse_filter(request, table)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    chart = _make_chart(table, chosen)
    if file := answer_csv(request, [chart]):
        return file
    groups = [
        GroupLine(each, REASON_TEXTS.get(each.reason, ""), _link_to_group(chosen, each)) for each in groups_get(table, chosen)
    ]
    context = {
        "chosen": chosen,
        "chart": chart,
        "groups": groups,
        "reasons": REASON_TEXTS,
        "fields": FIELD_NAMES,
        "states": list(STATES),
    }
    role = role_get(request.user)
    if role and role.may_change:
        context |= _read_messages(table, chosen, after)
    return render(request, "pipeline/quarantine.html", context)


def parse_filter(request: HttpRequest, table: QuarantineTable) -> tuple[QuarantineFilter, Place | None]:
    """The filter and the place in the address; ValueError names the valid values."""
    values = request.GET
    last = day_from_text(values["last"]) if values.get("last") else table.newest_day
    first = day_from_text(values["first"]) if values.get("first") else last - timedelta(days=DAYS - 1)
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise ValueError(_("Choose a range of 1 to %(most)s days.") % {"most": MOST_DAYS})
    words = {"reason": ["", *REASON_TEXTS], "field": ["", *FIELD_NAMES], "state": list(STATES)}
    chosen = {name: values.get(name) or allowed[0] for name, allowed in words.items()}
    for name, allowed in words.items():
        if chosen[name] not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(filter(None, allowed))}.")
    after = place_from_text(values["after"]) if values.get("after") else None
    if values.get("after") and after is None:
        raise ValueError("after must be a place that a page of this list has named.")
    return QuarantineFilter(first, last, **chosen), after


def make_link(chosen: QuarantineFilter, after: Place | None = None) -> str:
    values = {
        "first": chosen.first.isoformat(), "last": chosen.last.isoformat(), "reason": chosen.reason, "field": chosen.field,
        "state": chosen.state, "after": str(after) if after else "",
    }  # fmt: skip
    return f"{reverse('pipeline:quarantine')}?{urlencode({name: value for name, value in values.items() if value})}"


def _link_to_group(chosen: QuarantineFilter, group: RejectionGroup) -> str:
    return make_link(replace(chosen, reason=group.reason, field=group.field, state="all"))


def _make_chart(table: QuarantineTable, chosen: QuarantineFilter) -> Chart:
    newest = table.newest_day
    length = min(max((newest - min(table.days)).days + 1, LEAST_CHART_DAYS), CHART_DAYS)
    days = {day: table.days.get(day, 0) for day in days_between(newest - timedelta(days=length - 1), newest)}
    return chart_rejected_days(days, {day: make_link(replace(chosen, first=day, last=day)) for day in days})


def _read_messages(table: QuarantineTable, chosen: QuarantineFilter, after: Place | None) -> dict[str, object]:
    rows = messages_get(table, chosen, after)
    shown = rows[:PAGE_SIZE]
    following = make_link(chosen, shown[-1].place) if len(rows) > PAGE_SIZE else ""
    return {"rows": shown, "following": following, "newest": make_link(chosen) if after else ""}
