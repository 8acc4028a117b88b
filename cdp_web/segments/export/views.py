"""The page of a segment's export, and the files that it offers. The API answers with the same files."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cdp.metrics import GROUPS, metrics_of
from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, require_personal_data, require_role
from cdp_web.layout.pages import answer_bad_request
from cdp_web.names.people import may_see_people
from cdp_web.segments.changes import run_has_changes
from cdp_web.segments.export.files import CONTENT_TYPES, generate_csv_lines, write_parquet
from cdp_web.segments.export.manifest import build_manifest
from cdp_web.segments.export.options import parse_options
from cdp_web.segments.export.rows import Export, NothingToExport, export_open
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import RUNS_SHOWN, segment_or_404
from cdp_web.serving.snapshot_query import LIST_COLUMNS


@require_role(Role.ANALYST)
@require_safe
def export_page(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    run = segment.current_run
    earlier = segment.runs.filter(run_has_changes(), pk__lt=run.pk)[:RUNS_SHOWN] if run else SegmentRun.objects.none()
    context = {
        "segment": segment,
        "run": run,
        "earlier": earlier,
        "groups": [(group, metrics_of(group)) for group in GROUPS],
        "default_columns": LIST_COLUMNS,
        "offers_people": may_see_people(request.user),
    }
    return render(request, "segments/export.html", context)


@require_role(Role.ANALYST)
@require_safe
def export_file(request: HttpRequest, segment_id: int) -> HttpResponseBase:
    try:
        return answer_file(open_requested(request, segment_id))
    except ValidationError as error:
        return answer_bad_request(request, " ".join(error.messages))


@require_role(Role.ANALYST)
@require_safe
def export_manifest(request: HttpRequest, segment_id: int) -> HttpResponse:
    try:
        return answer_manifest(open_requested(request, segment_id))
    except ValidationError as error:
        return answer_bad_request(request, " ".join(error.messages))


def open_requested(request: HttpRequest, segment_id: int) -> Export:
    """The export that the parameters of a request name."""
    options = parse_options(request.GET)
    if options.is_personal:
        require_personal_data(request.user)
    try:
        return export_open(segment_or_404(segment_id), options)
    except NothingToExport as error:
        raise Http404(str(error)) from error


def answer_file(export: Export) -> HttpResponseBase:
    """The file; the audit log records who takes it."""
    options = export.options
    content = {"columns": len(export.columns), "personal": options.is_personal, "rows": export.rows, "run": export.run.pk}
    audit_record(
        "export",
        export.segment,
        details={"format": options.format, "ids": options.ids, **content},
    )
    response: StreamingHttpResponse
    content_type = CONTENT_TYPES[export.options.format]
    if export.options.format == "csv":
        response = StreamingHttpResponse(generate_csv_lines(export), content_type=content_type)
    else:
        response = FileResponse(write_parquet(export), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    response["X-Export-Rows"] = str(export.rows)
    response["X-Export-Run"] = str(export.run.pk)
    return response


def answer_manifest(export: Export) -> JsonResponse:
    name = f"{export.file_name}.manifest.json"
    return JsonResponse(build_manifest(export), headers={"Content-Disposition": f'inline; filename="{name}"'})
