"""The page of a segment's export, and the files that it offers. The API answers with the same files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

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
from cdp_web.segments.export.files import (
    CONTENT_TYPES,
    generate_csv_lines,
    generate_lines,
    write_parquet,
    write_parquet_file,
)
from cdp_web.segments.export.manifest import build_manifest
from cdp_web.segments.export.options import Format, parse_options
from cdp_web.segments.export.recommendations import (
    MAX_PRODUCTS,
    PRODUCTS,
    list_export_open,
    open_list_chunks,
    parse_list_options,
)
from cdp_web.segments.export.rows import Export, NothingToExport, export_open
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import RUNS_SHOWN, segment_or_404
from cdp_web.serving.recommendations import recommendations_get
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
        "recommendations": recommendations_get(),
        "products": PRODUCTS,
        "max_products": MAX_PRODUCTS,
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


@require_role(Role.ANALYST)
@require_safe
def recommendations_file(request: HttpRequest, segment_id: int) -> HttpResponseBase:
    try:
        return answer_recommendations(request, segment_id)
    except ValidationError as error:
        return answer_bad_request(request, " ".join(error.messages))


def answer_recommendations(request: HttpRequest, segment_id: int) -> HttpResponseBase:
    """The file of what members get recommended; the audit log records who takes it."""
    options = parse_list_options(request.GET)
    try:
        export = list_export_open(segment_or_404(segment_id), options)
    except NothingToExport as error:
        raise Http404(str(error)) from error
    content = {"recommendations": export.recommendations.publication, "rows": export.run.count, "run": export.run.pk}
    audit_record("export", export.segment, details={"format": options.format, "ids": options.ids, **content})
    chunks = open_list_chunks(export)
    is_csv = options.format == "csv"
    body = generate_lines(export.columns, chunks) if is_csv else write_parquet_file(export.schema, chunks)
    return _answer_download(body, options.format, export.file_name, export.run, export.run.count or 0)


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
    body = generate_csv_lines(export) if options.format == "csv" else write_parquet(export)
    return _answer_download(body, options.format, export.file_name, export.run, export.rows)


def _answer_download(
    body: Iterator[str] | IO[bytes], format: Format, file_name: str, run: SegmentRun, rows: int
) -> HttpResponseBase:
    kind = StreamingHttpResponse if format == "csv" else FileResponse
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name}"', "X-Export-Rows": str(rows), "X-Export-Run": str(run.pk),
    }  # fmt: skip
    return kind(body, content_type=CONTENT_TYPES[format], headers=headers)


def answer_manifest(export: Export) -> JsonResponse:
    name = f"{export.file_name}.manifest.json"
    return JsonResponse(build_manifest(export), headers={"Content-Disposition": f'inline; filename="{name}"'})
