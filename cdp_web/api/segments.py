"""Segments: create, change, archive, run, and list members."""

from __future__ import annotations

from datetime import date

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.customers import CustomerRowSerializer
from cdp_web.segments import selectors, services
from cdp_web.segments.history import DayNotPublished, segment_evaluate_as_of
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_request


class RunSerializer(serializers.ModelSerializer):
    version = serializers.IntegerField(source="version.number")
    share = serializers.FloatField(allow_null=True)

    class Meta:
        model = SegmentRun
        fields = (
            "id", "version", "publication_id", "day", "status", "count", "total", "share",
            "requested_at", "started_at", "finished_at", "error",
        )  # fmt: skip


class SegmentSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", allow_null=True, default=None)
    sentence = serializers.SerializerMethodField()
    current_run = RunSerializer(allow_null=True, help_text="The last complete run; its members are the members of the segment.")

    class Meta:
        model = Segment
        fields = (
            "id", "name", "description", "rule", "version", "sentence", "owner", "created_at", "updated_at", "archived_at",
            "current_run",
        )  # fmt: skip

    def get_sentence(self, segment: Segment) -> str:
        return selectors.segment_describe(segment)


class SegmentInputSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=1000, allow_blank=True, default="")
    rule = serializers.JSONField(help_text='{"version": 1, "rule": {"all": [{"metric": {"field", "operator", "value"}}]}}')


class SegmentListApi(APIView):
    @extend_schema(
        operation_id="segment_list",
        parameters=[OpenApiParameter("archived", bool, default=False)],
        responses=SegmentSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """All segments, sorted by name."""
        archived = request.query_params.get("archived") in ("1", "true")
        return Response(SegmentSerializer(selectors.segment_list(archived=archived), many=True).data)

    @extend_schema(operation_id="segment_create", request=SegmentInputSerializer, responses={201: SegmentSerializer})
    def post(self, request: Request) -> Response:
        """Create a segment and request its first run."""
        data = SegmentInputSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        segment = services.segment_create(**data.validated_data, owner=request.user)
        return Response(SegmentSerializer(segment).data, status=status.HTTP_201_CREATED)


class SegmentChangeSerializer(SegmentInputSerializer):
    version = serializers.IntegerField(
        help_text="The version that you read; if the segment has another version now, the answer is a conflict (409)."
    )


class SegmentDetailApi(APIView):
    @extend_schema(operation_id="segment_detail", responses=SegmentSerializer)
    def get(self, request: Request, segment_id: int) -> Response:
        return Response(SegmentSerializer(_get_segment(segment_id)).data)

    @extend_schema(operation_id="segment_update", request=SegmentChangeSerializer, responses=SegmentSerializer)
    def put(self, request: Request, segment_id: int) -> Response:
        """Change a segment. A changed rule becomes a new version and runs at once."""
        data = SegmentChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        expected_version = data.validated_data.pop("version")
        services.segment_update(
            segment_id=_get_segment(segment_id).pk,
            expected_version=expected_version,
            author=request.user,
            **data.validated_data,
        )
        return Response(SegmentSerializer(_get_segment(segment_id)).data)

    @extend_schema(operation_id="segment_archive", responses={204: None})
    def delete(self, request: Request, segment_id: int) -> Response:
        """Archive the segment. Nothing is deleted; it can be restored on the site."""
        services.segment_archive(segment=_get_segment(segment_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SegmentRunApi(APIView):
    @extend_schema(operation_id="segment_run", request=None, responses={202: RunSerializer})
    def post(self, request: Request, segment_id: int) -> Response:
        """Request a run on the serving publication; follow it in the segment's runs."""
        run = segment_run_request(segment=_get_segment(segment_id), requested_by=request.user)
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class SegmentRunListApi(APIView):
    @extend_schema(operation_id="segment_runs", responses=RunSerializer(many=True))
    def get(self, request: Request, segment_id: int) -> Response:
        """The latest runs, newest first."""
        return Response(RunSerializer(selectors.runs_get_latest(_get_segment(segment_id)), many=True).data)


class MembersQuerySerializer(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=selectors.MAX_PAGES, default=1)
    as_of = serializers.DateField(default=None, help_text="An earlier published day: the first members of the current rule then.")


class MembersSerializer(serializers.Serializer):
    run = RunSerializer()
    page = serializers.IntegerField(source="number")
    pages = serializers.IntegerField()
    members = CustomerRowSerializer(many=True, source="rows")


class PastMembersSerializer(serializers.Serializer):
    day = serializers.DateField(source="publication.day")
    version = serializers.IntegerField()
    count = serializers.IntegerField()
    total = serializers.IntegerField()
    members = CustomerRowSerializer(many=True, source="rows", help_text="The first 25, sorted by id.")


_MEMBERS_ANSWER = PolymorphicProxySerializer("MembersAnswer", [MembersSerializer, PastMembersSerializer], None)


class SegmentMembersApi(APIView):
    @extend_schema(operation_id="segment_members", parameters=[MembersQuerySerializer], responses=_MEMBERS_ANSWER)
    def get(self, request: Request, segment_id: int) -> Response:
        """Members of the last complete run, 25 per page, sorted by id."""
        data = MembersQuerySerializer(data=request.query_params)
        data.is_valid(raise_exception=True)
        segment, day = _get_segment(segment_id), data.validated_data["as_of"]
        if day:
            return _answer_past_members(segment, day)
        run = segment.current_run
        if run is None:
            raise Http404
        return Response(MembersSerializer(selectors.member_page_get(run, data.validated_data["page"])).data)


def _get_segment(segment_id: int) -> Segment:
    segment = selectors.segment_get(segment_id)
    if segment is None:
        raise Http404
    return segment


def _answer_past_members(segment: Segment, day: date) -> Response:
    try:
        return Response(PastMembersSerializer(segment_evaluate_as_of(segment, day)).data)
    except DayNotPublished as error:
        raise Http404(str(error)) from error
