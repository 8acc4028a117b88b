"""The overview page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.settings import current
from cdp_web.layout.formats import currency_symbol
from cdp_web.layout.pages import bad_request
from cdp_web.overview.periods import PERIODS, period_days_from_text
from cdp_web.overview.report import overview_read
from cdp_web.publications.request import publication_of


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    try:
        days = period_days_from_text(request.GET.get("days"))
    except ValueError as error:
        return bad_request(request, str(error))
    overview = overview_read(publication_of(request), days)
    chart = {
        "now": overview.series,
        "before": overview.series_before,
        "symbol": currency_symbol(),
        "currency": current().currency,
    }
    context = {"overview": overview, "days": days, "periods": PERIODS, "chart": chart}
    return render(request, "overview/index.html", context)
