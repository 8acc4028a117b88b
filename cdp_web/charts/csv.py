"""The numbers of a chart as a CSV file, unformatted."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

from django.http import Http404, HttpRequest, HttpResponse

from cdp_web.charts.chart import Chart
from cdp_web.layout.spreadsheets import escape_formula

PARAMETER = "csv"


def asks_for_csv(request: HttpRequest) -> bool:
    """Whether the address names a chart: `csv=KEY`."""
    return bool(request.GET.get(PARAMETER))


def answer_csv(request: HttpRequest, charts: Iterable[Chart]) -> HttpResponse | None:
    """The file of the chart that the address names; None if it names none."""
    return send_csv(request, charts) if asks_for_csv(request) else None


def send_csv(request: HttpRequest, charts: Iterable[Chart]) -> HttpResponse:
    key = request.GET[PARAMETER]
    chart = next((chart for chart in charts if chart.key == key), None)
    if chart is None:
        raise Http404(f"This page has no chart {key}.")
    response = HttpResponse(write_csv(chart), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{chart.key}.csv"'
    return response


def write_csv(chart: Chart) -> str:
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow([column.title for column in chart.columns])
    for row in chart.rows:
        writer.writerow([escape_formula(value) if isinstance(value, str) else value for value in row])
    return lines.getvalue()
