"""The page of the pipeline, and the part of it that renews itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cdp_web.charts.csv import answer_csv
from cdp_web.pipeline.charts import chart_nights, chart_stream
from cdp_web.pipeline.readings import readings_refresh
from cdp_web.pipeline.report import PipelineReport, report_read
from cdp_web.pipeline.stream_read import stream_hours_get
from cdp_web.serving.errors import NothingPublished
from cdp_web.serving.nights import nights_get_latest
from cdp_web.serving.publications import publication_get_for_request

#: Runs of the chart on this page; the page of the data runs has more.
NIGHTS = 30


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Shows the last readings at once; the part that renews itself then asks the servers."""
    charts = {"stream_chart": chart_stream(stream_hours_get()), "nights_chart": chart_nights(nights_get_latest(NIGHTS))}
    if file := answer_csv(request, charts.values()):
        return file
    return render(request, "pipeline/index.html", {"report": _read_report(request), **charts})


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    readings_refresh()
    return render(request, "pipeline/live.html", {"report": _read_report(request)})


def _read_report(request: HttpRequest) -> PipelineReport:
    try:
        return report_read(publication_get_for_request(request))
    except NothingPublished:
        return report_read(None)
