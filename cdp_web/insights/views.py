"""The pages of the reports."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cdp_web.charts.chart import Option
from cdp_web.charts.csv import PARAMETER, send_csv
from cdp_web.insights import audience_charts, product_charts, retention_charts
from cdp_web.insights.addresses import build_address, build_headings, list_tabs
from cdp_web.insights.audience import MOVES_SHOWN, audience_read
from cdp_web.insights.products import ProductReport, products_read, products_read_all
from cdp_web.insights.retention import MEASURES, UNITS, Measure, Unit, parse_retention, retention_read
from cdp_web.insights.rfm import count_first_orders, get_title, link_first_orders, link_flow, list_moves
from cdp_web.insights.things import InsightError, ThingQuery, parse_thing_query
from cdp_web.layout.pages import answer_bad_request
from cdp_web.names.selectors import ARROW
from cdp_web.overview.periods import PeriodChoice
from cdp_web.overview.selectors import period_choose
from cdp_web.serving.publications import Publication, publication_get_for_request
from cdp_web.serving.reports import render_report

TABLE_FILE = "table"


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    publication = publication_get_for_request(request)
    try:
        choice, query = period_choose(request.GET, publication), parse_thing_query(request.GET)
        if request.GET.get(PARAMETER) == TABLE_FILE:
            rows = products_read_all(publication, query, choice.period, choice.comparison)
            return send_csv(request, [product_charts.build_table(TABLE_FILE, query, rows)])
    except ValueError as error:
        return answer_bad_request(request, str(error))
    return render_report(request, "insights/products.html", lambda: _build_products(publication, choice, query))


def _build_products(publication: Publication, choice: PeriodChoice, query: ThingQuery) -> dict[str, Any]:
    report = products_read(publication, query, choice.period, choice.comparison)
    charts = {"share": product_charts.chart_share(report), "trend": product_charts.chart_trend(report)}
    return {
        "choice": choice,
        "report": report,
        **charts,
        "files": charts.values(),
        "tabs": list_tabs(query, choice),
        "headings": build_headings(query, choice, has_change=choice.comparison is not None),
        "trail": [(_name_level(code, report), build_address(query, choice, category=code)) for code in query.ancestors],
        "base": build_address(query, choice, category="", brand="", search=""),
        "previous_link": build_address(query, choice, page=query.page - 1) if query.page > 1 else "",
        "next_link": build_address(query, choice, page=query.page + 1) if query.page < report.pages else "",
        "file_link": build_address(query, choice, csv=TABLE_FILE),
    }


def _name_level(code: str, report: ProductReport) -> str:
    name = report.names.categories.get(code, "")
    return name.rpartition(ARROW)[2] or code.rpartition(".")[2]


@require_safe
def audience(request: HttpRequest) -> HttpResponse:
    try:
        measure = _choose(request, "show", audience_charts.MEASURES)
        since = _choose(request, "since", audience_charts.SINCE)
    except InsightError as error:
        return answer_bad_request(request, str(error))
    publication = publication_get_for_request(request)
    return render_report(request, "insights/audience.html", lambda: _build_audience(publication, measure, since))


def _build_audience(publication: Publication, measure: str, since: str) -> dict[str, Any]:
    report = audience_read(publication)
    measures = [
        Option(str(title), f"?show={key}&since={since}#rfm", key == measure) for key, title in audience_charts.MEASURES.items()
    ]
    sinces = [
        Option(str(title), f"?show={measure}&since={key}#flow", key == since) for key, title in audience_charts.SINCE.items()
    ]
    charts = {
        "rfm": audience_charts.chart_grid(report.grid, measure, measures),  # type: ignore[arg-type]
        "flow": audience_charts.chart_flow(report.flows[since], since, sinces),
    }
    tables = [audience_charts.build_groups_table(report.groups), audience_charts.build_lifecycle_table(report.lifecycles)]
    moves = [
        (get_title(flow.source), get_title(flow.target), flow.customers, link_flow(flow, since))
        for flow in list_moves(report.flows[since])[:MOVES_SHOWN]
    ]
    return {
        "report": report, **charts, "files": [*charts.values(), *tables], "moves": moves, "show": measure, "since": since,
        "first_orders": count_first_orders(report.flows[since]), "first_orders_link": link_first_orders(since),
    }  # fmt: skip


@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    try:
        unit, measure = parse_retention(request.GET)
    except InsightError as error:
        return answer_bad_request(request, str(error))
    publication = publication_get_for_request(request)
    return render_report(request, "insights/retention.html", lambda: _build_retention(publication, unit, measure))


def _build_retention(publication: Publication, unit: Unit | None, measure: Measure) -> dict[str, Any]:
    report = retention_read(publication, unit, measure)
    charts = {
        "cohorts": retention_charts.chart_cohorts(report),
        "curves": retention_charts.chart_curves(report),
        "orders": retention_charts.chart_orders(report),
        "gaps": retention_charts.chart_gaps(report),
        "second": retention_charts.chart_second_orders(report),
    }
    return {
        "report": report, "charts": charts, "files": charts.values(), "by": report.unit, "show": measure,
        "units": [(key, retention_charts.UNIT_TITLES[key], f"?by={key}&show={measure}") for key in UNITS],
        "measures": [(key, retention_charts.MEASURE_TITLES[key], f"?by={report.unit}&show={key}") for key in MEASURES],
    }  # fmt: skip


def _choose(request: HttpRequest, parameter: str, choices: dict[str, Any]) -> str:
    """The chosen key, or the first."""
    key = request.GET.get(parameter) or next(iter(choices))
    if key not in choices:
        raise InsightError(f"{parameter} must be one of {', '.join(choices)}.")
    return key
