"""The overview page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.overview import charts, selectors
from cdp_web.overview.report import overview_read
from cdp_web.serving.publications import publication_get_for_request


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    publication = publication_get_for_request(request)
    try:
        choice = selectors.period_choose(request.GET, publication)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    overview = overview_read(publication, choice)
    revenue = charts.chart_revenue(overview.period, overview.days, overview.before, overview.days_before)
    if file := answer_csv(request, [revenue]):
        return file
    context = {"overview": overview, "choice": choice, "revenue": revenue}
    return render(request, "overview/index.html", context)
