"""The pages of the nights, and the health response for probes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cdp.mart.nights import remedy
from cdp_web.serving import faults, nights


@require_safe
def night_list(request: HttpRequest) -> HttpResponse:
    return render(request, "nights/list.html", {"runs": nights.nights_get_latest(), "shown": nights.RUNS_SHOWN})


@require_safe
def night_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = nights.night_get(run_id)
    if run is None:
        raise Http404(f"There is no night {run_id}.")
    unfinished = run.step if run.step not in run.seconds else None
    context = {"run": run, "unfinished": unfinished, "remedy": remedy(run) if run.stopped else []}
    return render(request, "nights/detail.html", context)


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Cheap, and without a login."""
    problem = faults.find_database_problem()
    if problem:
        return JsonResponse({"status": "failing", "problem": problem}, status=503)
    return JsonResponse({"status": "ok"})
