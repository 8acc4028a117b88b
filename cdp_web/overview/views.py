"""The overview page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.overview import page
from cdp_web.overview.report import overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.overview.summary import describe_period
from cdp_web.serving.publications import publication_get_for_request


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    publication = publication_get_for_request(request)
    try:
        choice, view = period_choose(request.GET, publication), page.parse_view(request.GET)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    overview = overview_read(publication, choice)
    charts = page.build_charts(overview, view)
    if file := answer_csv(request, charts.values()):
        return file
    context = {
        "overview": overview,
        "choice": choice,
        "charts": charts,
        "summary": describe_period(choice, overview.revenue, overview.unusual_days),
        "tiles": [(tile, page.link_tile(tile, choice, view)) for tile in overview.tiles if tile.kpi.is_tile],
        "lists": page.build_lists(overview),
        "moves": page.build_moves(overview),
    }
    return render(request, "overview/index.html", context)
