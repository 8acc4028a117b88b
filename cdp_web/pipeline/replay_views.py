"""The pages of replays, for administrators: a form, its dry run, and the replay itself."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cdp.programs import REPLAY_DAG
from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, require_role
from cdp_web.pipeline import replays
from cdp_web.pipeline.links import link_to_dag
from cdp_web.pipeline.models import Replay
from cdp_web.pipeline.replay_form import RepairFormSet, ReplayForm, build_options, find_repeated
from cdp_web.serving.airflow import AirflowUnavailable


@require_role(Role.ADMIN)
@never_cache
@require_safe
def replay_list(request: HttpRequest) -> HttpResponse:
    latest = replays.replays_get_latest()
    replays.replays_follow(latest)
    return render(request, "pipeline/replays.html", {"replays": latest})


@require_role(Role.ADMIN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def replay_new(request: HttpRequest) -> HttpResponse:
    """The form; posted, it starts the dry run. The address may preselect a reason, a field and days."""
    if request.method != "POST":
        chosen = request.GET
        initial = {
            "reasons": chosen.getlist("reason"), "fields_refused": chosen.getlist("field"),
            "first": chosen.get("first"), "last": chosen.get("last"),
        }  # fmt: skip
        return _render_form(request, ReplayForm(initial=initial), RepairFormSet())
    form, repairs = ReplayForm(request.POST), RepairFormSet(request.POST)
    if not (form.is_valid() and repairs.is_valid()):
        return _render_form(request, form, repairs, 400)
    if repeated := find_repeated(list(repairs)):
        repeated.add_error("field", _("Another repair has this field already."))
        return _render_form(request, form, repairs, 400)
    options = build_options(form.cleaned_data, list(repairs))
    try:
        replay = replays.replay_start(options=options, is_dry_run=True, requested_by=request.user)
    except AirflowUnavailable as error:
        form.add_error(None, error.says)
        return _render_form(request, form, repairs, 503)
    audit_record("dry run of a replay", replay, details={"options": replay.options})
    return redirect("pipeline:replay", replay.pk)


@require_role(Role.ADMIN)
@never_cache
@require_safe
def replay_detail(request: HttpRequest, replay_id: int) -> HttpResponse:
    return render(request, "pipeline/replay.html", _load(replay_id))


@require_role(Role.ADMIN)
@never_cache
@require_safe
def replay_result(request: HttpRequest, replay_id: int) -> HttpResponse:
    """The part of the page that renews itself until the replay has ended."""
    return render(request, "pipeline/replay_result.html", _load(replay_id))


@require_role(Role.ADMIN)
@require_POST
def replay_start(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Start the replay that a dry run has shown."""
    try:
        replay = replays.replay_start_after(_get_or_404(replay_id), request.user)
    except replays.ReplayRefused:
        messages.error(request, _("Start another dry run first: this one is too old, or no message would pass."))
        return redirect("pipeline:replay", replay_id)
    except AirflowUnavailable as error:
        messages.error(request, error.says)
        return redirect("pipeline:replay", replay_id)
    audit_record("replay", replay, details={"options": replay.options})
    messages.success(request, _("The replay has started."))
    return redirect("pipeline:replay", replay.pk)


def _load(replay_id: int) -> dict[str, Any]:
    replay = _get_or_404(replay_id)
    replays.replays_follow([replay])
    return {
        "replay": replay,
        "may_follow": replays.may_follow(replay),
        "airflow_link": link_to_dag(REPLAY_DAG, replay.dag_run_id),
    }


def _get_or_404(replay_id: int) -> Replay:
    replay = Replay.objects.select_related("requested_by").filter(pk=replay_id).first()
    if replay is None:
        raise Http404(_("There is no replay %(id)s.") % {"id": replay_id})
    return replay


def _render_form(request: HttpRequest, form: ReplayForm, repairs: Any, status: int = 200) -> HttpResponse:
    return render(request, "pipeline/replay_new.html", {"form": form, "repairs": repairs}, status=status)
