"""The overview page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.overview import charts
from cdp_web.overview.periods import PERIODS, parse_period_days
from cdp_web.overview.report import overview_read
from cdp_web.serving.publications import publication_get_for_request


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    try:
        days = parse_period_days(request.GET.get("days"))
    except ValueError as error:
        return answer_bad_request(request, str(error))
    overview = overview_read(publication_get_for_request(request), days)
    before = overview.before if overview.is_comparable else None
    revenue = charts.chart_revenue(overview.period, overview.days, before, overview.days_before)
    if file := answer_csv(request, [revenue]):
        return file
    context = {"overview": overview, "days": days, "periods": PERIODS, "revenue": revenue}
    return render(request, "overview/index.html", context)
