"""The overview page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.settings import current
from cdp_web.layout.formats import get_currency_symbol
from cdp_web.layout.pages import answer_bad_request
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
    chart = {
        "now": overview.series,
        "before": overview.series_before,
        "symbol": get_currency_symbol(),
        "currency": current().currency,
    }
    context = {"overview": overview, "days": days, "periods": PERIODS, "chart": chart}
    return render(request, "overview/index.html", context)
