"""The overview page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cdp_web.layout.pages import answer_bad_request
from cdp_web.overview import page
from cdp_web.overview.periods import PeriodChoice
from cdp_web.overview.report import overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.overview.summary import describe_period
from cdp_web.serving.publications import Publication, publication_get_for_request
from cdp_web.serving.reports import render_report


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    publication = publication_get_for_request(request)
    try:
        choice, view = period_choose(request.GET, publication), page.parse_view(request.GET)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    return render_report(request, "overview/index.html", lambda: _build_context(publication, choice, view))


def _build_context(publication: Publication, choice: PeriodChoice, view: page.View) -> dict[str, Any]:
    overview = overview_read(publication, choice)
    charts = page.build_charts(overview, view)
    return {
        "overview": overview,
        "choice": choice,
        "charts": charts,
        "files": charts.values(),
        "summary": describe_period(choice, overview.revenue, overview.unusual_days),
        "tiles": [(tile, page.link_tile(tile, choice, view)) for tile in overview.tiles if tile.kpi.is_tile],
        "lists": page.build_lists(overview),
        "moves": page.build_moves(overview),
    }
