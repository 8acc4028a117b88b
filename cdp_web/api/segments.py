"""Segments: create, change, archive, restore, and list members."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.http import Http404
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.customers import CustomerRowSerializer
from cdp_web.api.errors import ConflictSerializer, InUseSerializer, InvalidSerializer, RuleInvalidSerializer
from cdp_web.api.paging import MAX_KEY, PageQuerySerializer, cut_page, read_query
from cdp_web.api.serializers import RuleField, RunSerializer
from cdp_web.names.people import rows_add_names
from cdp_web.segments import keyset, selectors, services
from cdp_web.segments.history import DayNotPublished, segment_evaluate_as_of
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.selectors import segment_or_404


class SegmentSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", allow_null=True, default=None)
    sentence = serializers.SerializerMethodField()
    tags = serializers.ListField(child=serializers.CharField())
    current_run = RunSerializer(allow_null=True, help_text="The last complete run; its members are the members of the segment.")

    class Meta:
        model = Segment
        fields = (
            "id", "name", "description", "tags", "rule", "version", "revision", "sentence", "owner", "created_at", "updated_at",
            "archived_at", "current_run",
        )  # fmt: skip

    def get_sentence(self, segment: Segment) -> str:
        return selectors.segment_describe(segment, self.context.get("names"))


class SegmentInputSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=1000, allow_blank=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=100, allow_blank=True), max_length=100, required=False)
    rule = RuleField(help_text='{"version": 1, "rule": {"all": [{"metric": {"field", "operator", "value"}}]}}')


class SegmentsQuerySerializer(PageQuerySerializer):
    archived = serializers.BooleanField(default=False)


class SegmentsSerializer(serializers.Serializer):
    segments = SegmentSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class SegmentListApi(APIView):
    errors = {"POST": (RuleInvalidSerializer,)}

    @extend_schema(operation_id="segment_list", parameters=[SegmentsQuerySerializer], responses=SegmentsSerializer)
    def get(self, request: Request) -> Response:
        """Segments, by id."""
        query = read_query(SegmentsQuerySerializer, request.query_params)
        limit = query["limit"]
        segments, last = cut_page(keyset.segments_get_after(query["after"], limit + 1, archived=query["archived"]), limit)
        context = {"names": selectors.names_get(segments)}
        return Response(SegmentsSerializer({"segments": segments, "next": last.pk if last else None}, context=context).data)

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
    revision = serializers.IntegerField(
        required=False, help_text="The revision that you read. With it, a newer name, description or tags are a conflict, too."
    )


class SegmentDetailApi(APIView):
    errors = {"PUT": (RuleInvalidSerializer, ConflictSerializer), "DELETE": (InUseSerializer,)}

    @extend_schema(operation_id="segment_detail", responses=SegmentSerializer)
    def get(self, request: Request, segment_id: int) -> Response:
        return Response(SegmentSerializer(segment_or_404(segment_id)).data)

    @extend_schema(operation_id="segment_update", request=SegmentChangeSerializer, responses=SegmentSerializer)
    def put(self, request: Request, segment_id: int) -> Response:
        """Change a segment. A changed rule becomes a new version and runs at once. A description and tags that you leave out
        stay."""
        data = SegmentChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        expected_version, expected_revision = data.validated_data.pop("version"), data.validated_data.pop("revision", None)
        services.segment_update(
            segment_id=segment_or_404(segment_id).pk,
            expected_version=expected_version,
            expected_revision=expected_revision,
            author=request.user,
            **data.validated_data,
        )
        return Response(SegmentSerializer(segment_or_404(segment_id)).data)

    @extend_schema(operation_id="segment_archive", responses={204: None})
    def delete(self, request: Request, segment_id: int) -> Response:
        """Archive the segment. It can be restored for 30 days."""
        services.segment_archive(segment=segment_or_404(segment_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SegmentRestoreApi(APIView):
    errors = {"POST": (InvalidSerializer,)}

    @extend_schema(operation_id="segment_restore", request=None, responses=SegmentSerializer)
    def post(self, request: Request, segment_id: int) -> Response:
        """Bring an archived segment back and request a run. A segment that is not archived stays as it is."""
        services.segment_restore(segment=segment_or_404(segment_id))
        return Response(SegmentSerializer(segment_or_404(segment_id)).data)


class MembersQuerySerializer(PageQuerySerializer):
    after = serializers.CharField(  # type: ignore[assignment]
        default="", max_length=500, trim_whitespace=False, help_text="The `next` of the page before; without it the first page."
    )
    run = serializers.IntegerField(
        min_value=1,
        max_value=MAX_KEY,
        default=None,
        help_text="A complete run; without it the last one. All pages of one run agree.",
    )
    as_of = serializers.DateField(default=None, help_text="An earlier published day: the first members of the current rule then.")


class MembersSerializer(serializers.Serializer):
    run = RunSerializer()
    members = CustomerRowSerializer(many=True)
    next = serializers.CharField(allow_null=True)


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
        """Members as of a complete run, by id, with the columns of the customer list."""
        query = read_query(MembersQuerySerializer, request.query_params)
        segment = segment_or_404(segment_id)
        if query["as_of"]:
            return _answer_past_members(segment, query["as_of"], request.user)
        run = _get_complete_run(segment, query["run"])
        ids, last = cut_page(keyset.member_ids_get_after(run, query["after"], query["limit"] + 1), query["limit"])
        rows = rows_add_names(selectors.member_rows_get(run, list(ids)), request.user)
        return Response(MembersSerializer({"run": run, "members": rows, "next": last}).data)


def _get_complete_run(segment: Segment, run_id: int | None) -> SegmentRun:
    run = segment.current_run if run_id is None else keyset.run_get(segment, run_id)
    if run is None or run.status != SegmentRun.Status.DONE:
        raise Http404("There is no such complete run." if run_id else "The segment has no complete run yet.")
    return run


def _answer_past_members(segment: Segment, day: date, user: Any) -> Response:
    try:
        members = segment_evaluate_as_of(segment, day)
        return Response(PastMembersSerializer(replace(members, rows=rows_add_names(members.rows, user))).data)
    except DayNotPublished as error:
        raise Http404(str(error)) from error
