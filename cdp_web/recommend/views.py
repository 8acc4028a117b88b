"""The page of the recommendations, and that of an experiment."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cdp.settings import current
from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.recommend.charts import PART_WORDS, PARTS, chart_arms, chart_ctr, chart_quality, chart_seen
from cdp_web.recommend.dashboard import build_tiles, dashboard_read, list_judged
from cdp_web.recommend.experiments import experiment_or_404, experiment_read, experiments_get
from cdp_web.recommend.selectors import add_up
from cdp_web.recommend.words import name


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    part = request.GET.get("by") or next(iter(PARTS))
    if part not in PARTS:
        return answer_bad_request(request, f"by must be one of {', '.join(PARTS)}.")
    dashboard = dashboard_read(timezone.now())
    charts = {"quality": chart_quality(dashboard.versions)}
    context = {"dashboard": dashboard, "charts": charts, "mlflow_url": current().mlflow_url}
    if results := dashboard.results:
        charts |= {"seen": chart_seen(results, part), "ctr": chart_ctr(results)}
        parts = add_up(results.rows, lambda row: name(PART_WORDS[part], getattr(row, part)))
        context |= {"tiles": build_tiles(results), "parts": parts.items(), "part": part}
    if file := answer_csv(request, charts.values()):
        return file
    if dashboard.evaluated:
        context["judged"] = list_judged(dashboard.evaluated)
    return render(request, "recommend/index.html", context | {"experiments": experiments_get()})


@require_safe
def experiment_detail(request: HttpRequest, key: str) -> HttpResponse:
    report = experiment_read(experiment_or_404(key), timezone.now())
    chart = chart_arms(report)
    if file := answer_csv(request, [chart]):
        return file
    return render(request, "recommend/experiment.html", {"report": report, "arms_chart": chart})
