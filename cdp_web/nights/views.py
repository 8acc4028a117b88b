"""The list of nights, and the page of one night with its steps and checks."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.mart.nights import remedy
from cdp_web.nights import selectors


@require_safe
def night_list(request: HttpRequest) -> HttpResponse:
    return render(request, "nights/list.html", {"runs": selectors.nights_get_latest(), "shown": selectors.RUNS_SHOWN})


@require_safe
def night_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = selectors.night_get(run_id)
    if run is None:
        raise Http404(f"There is no night {run_id}.")
    unfinished = run.step if run.step not in run.seconds else None
    context = {"run": run, "unfinished": unfinished, "remedy": remedy(run) if run.stopped else []}
    return render(request, "nights/detail.html", context)
