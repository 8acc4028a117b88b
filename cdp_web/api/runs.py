"""Runs of a segment: request, follow and cancel."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.errors import Conflict, ConflictSerializer
from cdp_web.api.paging import PageQuerySerializer, cut_page, read_query
from cdp_web.api.serializers import RunSerializer
from cdp_web.segments import keyset
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.runs import segment_run_cancel, segment_run_request
from cdp_web.segments.selectors import segment_or_404


class SegmentRunApi(APIView):
    errors = {"POST": (ConflictSerializer,)}

    @extend_schema(operation_id="segment_run", request=None, responses={202: RunSerializer})
    def post(self, request: Request, segment_id: int) -> Response:
        """Request a run on the serving publication; follow it by its id."""
        segment = segment_or_404(segment_id)
        if segment.archived_at:
            raise Conflict(f"{segment.name} is archived. Restore it first.")
        run = segment_run_request(segment=segment, requested_by=request.user)
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class RunsSerializer(serializers.Serializer):
    runs = RunSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class SegmentRunListApi(APIView):
    @extend_schema(operation_id="segment_runs", parameters=[PageQuerySerializer], responses=RunsSerializer)
    def get(self, request: Request, segment_id: int) -> Response:
        """Runs, newest first."""
        query = read_query(PageQuerySerializer, request.query_params)
        limit = query["limit"]
        runs, last = cut_page(keyset.runs_get_after(segment_or_404(segment_id), query["after"], limit + 1), limit)
        return Response(RunsSerializer({"runs": runs, "next": last.pk if last else None}).data)


class SegmentRunDetailApi(APIView):
    @extend_schema(operation_id="segment_run_detail", responses=RunSerializer)
    def get(self, request: Request, segment_id: int, run_id: int) -> Response:
        """One run: what it does now, and what became of it."""
        return Response(RunSerializer(_run_or_404(segment_id, run_id)).data)


class SegmentRunCancelApi(APIView):
    errors = {"POST": (ConflictSerializer,)}

    @extend_schema(operation_id="segment_run_cancel", request=None, responses=RunSerializer)
    def post(self, request: Request, segment_id: int, run_id: int) -> Response:
        """Cancel a run that waits or works. A run that has ended is a conflict."""
        run = _run_or_404(segment_id, run_id)
        cancelled = segment_run_cancel(run=run)
        run.refresh_from_db()
        if not cancelled:
            raise Conflict(f"Run {run.pk} has ended already: {run.status}.")
        return Response(RunSerializer(run).data)


def _run_or_404(segment_id: int, run_id: int) -> SegmentRun:
    run = keyset.run_get(segment_or_404(segment_id), run_id)
    if run is None:
        raise Http404(f"Segment {segment_id} has no run {run_id}.")
    return run
