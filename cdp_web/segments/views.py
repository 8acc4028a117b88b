"""The list of segments, and the actions of one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cdp_web.layout.pages import answer_bad_request
from cdp_web.segments import keyset, runs, services
from cdp_web.segments.listing import parse_segment_query, segment_page_get
from cdp_web.segments.selectors import segment_or_404
from cdp_web.segments.size_line import HEIGHT, WIDTH


@require_safe
def segment_list(request: HttpRequest) -> HttpResponse:
    try:
        query = parse_segment_query(request.GET)
    except ValueError as error:
        return answer_bad_request(request, str(error))
    context = {"page": segment_page_get(query), "line": {"width": WIDTH, "height": HEIGHT}}
    template = "segments/list_results.html" if request.htmx and not request.htmx.boosted else "segments/list.html"
    return render(request, template, context)


@require_POST
def segment_run(request: HttpRequest, segment_id: int) -> HttpResponse:
    runs.segment_run_request(segment=segment_or_404(segment_id), requested_by=request.user)
    return redirect("segments:detail", segment_id)


@require_POST
def segment_run_cancel(request: HttpRequest, segment_id: int, run_id: int) -> HttpResponse:
    run = keyset.run_get(segment_or_404(segment_id), run_id)
    if run is None:
        raise Http404(_("Segment %(id)s has no run %(run)s.") % {"id": segment_id, "run": run_id})
    if runs.segment_run_cancel(run=run):
        messages.success(request, _("The run is cancelled."))
    else:
        messages.error(request, _("The run had ended before it could be cancelled."))
    return redirect("segments:detail", segment_id)


@require_POST
def segment_archive(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    try:
        services.segment_archive(segment=segment)
    except services.SegmentInUse as error:
        messages.error(request, str(error))
        return redirect("segments:detail", segment_id)
    says = _("%(name)s is archived. It can be restored for %(days)s days.")
    messages.success(request, says % {"name": segment.name, "days": services.RESTORE_DAYS})
    return redirect("segments:list")


@require_POST
def segment_restore(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    try:
        services.segment_restore(segment=segment)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("%(name)s is back in the list.") % {"name": segment.name})
    return redirect("segments:detail", segment_id)
