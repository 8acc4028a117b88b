"""The pages of segments: the list, one segment with its members, and its actions."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from cdp_web.layout.pages import answer_bad_request, parse_whole_number
from cdp_web.segments import keyset, runs, selectors, services
from cdp_web.segments.explain import segment_explain
from cdp_web.segments.models import Segment
from cdp_web.segments.selectors import MemberPage, segment_or_404
from cdp_web.serving.errors import NotReady
from cdp_web.serving.snapshot_query import LIST_COLUMNS


@dataclass(frozen=True, slots=True)
class SegmentRow:
    segment: Segment
    sentence: str


@require_safe
def segment_list(request: HttpRequest) -> HttpResponse:
    archived = request.GET.get("archived") == "1"
    segments = list(selectors.segment_list(archived=archived))
    names = selectors.names_get(segments)
    rows = [SegmentRow(segment, selectors.segment_describe(segment, names)) for segment in segments]
    return render(request, "segments/list.html", {"rows": rows, "archived": archived})


@require_safe
def segment_detail(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    number = _parse_page_number(request)
    if number is None:
        return answer_bad_request(
            request, f"page must be a number from 1 to {selectors.MAX_PAGES}; the export contains every member."
        )
    context = {
        "segment": segment,
        "explanation": segment_explain(segment),
        "versions": list(segment.versions.select_related("author")[: selectors.RUNS_SHOWN]),
        **_load_result(segment, number),
    }
    return render(request, "segments/detail.html", context)


@require_safe
def segment_result(request: HttpRequest, segment_id: int) -> HttpResponse:
    """The part of the page that changes during a run; it reloads itself until the run has ended."""
    segment = segment_or_404(segment_id)
    return render(
        request, "segments/result.html", {"segment": segment, **_load_result(segment, _parse_page_number(request) or 1)}
    )


@require_POST
def segment_run(request: HttpRequest, segment_id: int) -> HttpResponse:
    runs.segment_run_request(segment=segment_or_404(segment_id), requested_by=request.user)
    return redirect("segments:detail", segment_id)


@require_POST
def segment_run_cancel(request: HttpRequest, segment_id: int, run_id: int) -> HttpResponse:
    run = keyset.run_get(segment_or_404(segment_id), run_id)
    if run is None:
        raise Http404(f"Segment {segment_id} has no run {run_id}.")
    if runs.segment_run_cancel(run=run):
        messages.success(request, "The run is cancelled.")
    else:
        messages.error(request, "The run had ended before it could be cancelled.")
    return redirect("segments:detail", segment_id)


@require_POST
def segment_archive(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    try:
        services.segment_archive(segment=segment)
    except services.SegmentInUse as error:
        messages.error(request, str(error))
        return redirect("segments:detail", segment_id)
    messages.success(request, f"{segment.name} is deleted. It can be restored for {services.RESTORE_DAYS} days.")
    return redirect("segments:list")


@require_POST
def segment_restore(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    try:
        services.segment_restore(segment=segment)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{segment.name} is back in the list.")
    return redirect("segments:detail", segment_id)


def _load_result(segment: Segment, number: int) -> dict[str, object]:
    """Load runs and members. If the members can't be read (their snapshot is gone or HDFS is down), the rest still works."""
    latest_runs = selectors.runs_get_latest(segment)
    members: MemberPage | None = None
    unavailable: NotReady | None = None
    try:
        members = selectors.member_page_get(segment.current_run, number) if segment.current_run else None
    except NotReady as error:
        unavailable = error
    return {
        "runs": latest_runs,
        "latest": latest_runs[0] if latest_runs else None,
        "members": members,
        "unavailable": unavailable,
        "columns": LIST_COLUMNS,
    }


def _parse_page_number(request: HttpRequest) -> int | None:
    return parse_whole_number(request.GET.get("page", "1"), selectors.MAX_PAGES)
