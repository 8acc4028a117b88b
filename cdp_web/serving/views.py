"""The pages of the nights, and the health response for probes."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cdp.mart.nights import NightRun, remedy
from cdp.programs import NIGHT_DAG, PUBLISH_DAG
from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, require_role
from cdp_web.charts.csv import answer_csv
from cdp_web.pipeline.charts import chart_nights, chart_steps
from cdp_web.pipeline.links import link_to_dag, link_to_spark_history
from cdp_web.serving import faults, nights
from cdp_web.serving.airflow import AirflowUnavailable
from cdp_web.serving.night_publish import MAX_REASON, AcceptanceInvalid, night_publish


@require_safe
def night_list(request: HttpRequest) -> HttpResponse:
    runs = nights.nights_get_latest()
    chart = chart_nights(runs)
    if file := answer_csv(request, [chart]):
        return file
    return render(request, "nights/list.html", {"runs": runs, "shown": nights.RUNS_SHOWN, "chart": chart})


@require_safe
def night_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _get_or_404(run_id)
    chart = chart_steps(run)
    if file := answer_csv(request, [chart]):
        return file
    context = {
        "run": run,
        "unfinished": run.step if run.step not in run.seconds else None,
        "remedy": remedy(run) if run.stopped else [],
        "is_latest": _is_latest(run),
        "max_reason": MAX_REASON,
        "chart": chart,
        "night_link": link_to_dag(NIGHT_DAG),
        "publish_link": link_to_dag(PUBLISH_DAG),
        "spark_link": link_to_spark_history(),
    }
    return render(request, "nights/detail.html", context)


@require_role(Role.ADMIN)
@require_POST
def night_again(request: HttpRequest, run_id: int) -> HttpResponse:
    """Run a stopped night again; with `accept`, its failed checks may fail, on record."""
    run = _get_or_404(run_id)
    if not (run.stopped and _is_latest(run)):
        messages.error(request, _("Only the latest data run can be started again, if it stopped."))
        return redirect("nights:detail", run_id)
    accept, why = request.POST.getlist("accept"), request.POST.get("why", "")
    try:
        night_publish(run=run, accept=accept, why=why, user=request.user, now=timezone.now())
    except (AcceptanceInvalid, AirflowUnavailable) as error:
        messages.error(request, str(error))
    else:
        audit_record("data run started again", f"data run of {run.day}", details={"accepted checks": accept, "why": why})
        messages.success(request, _("Airflow starts the data run. It appears in the list as soon as it runs."))
    return redirect("nights:detail", run_id)


def _get_or_404(run_id: int) -> NightRun:
    run = nights.night_get(run_id)
    if run is None:
        raise Http404(f"There is no night {run_id}.")
    return run


def _is_latest(run: NightRun) -> bool:
    return [run.id] == [each.id for each in nights.nights_get_latest(1)]


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Cheap, and without a login."""
    problem = faults.find_database_problem()
    if problem:
        return JsonResponse({"status": "failing", "problem": problem}, status=503)
    return JsonResponse({"status": "ok"})
