"""Segments explained: why a customer is in or out, what a change would do, versions, history and overlap."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.segments import SegmentSerializer
from cdp_web.api.serializers import NamedSegmentSerializer, PublicationSerializer
from cdp_web.layout.pages import parse_whole_number
from cdp_web.segments import services
from cdp_web.segments.explain_customer import is_member_at, segment_explain_customer
from cdp_web.segments.history import changes_get, sizes_get
from cdp_web.segments.impact import segment_impact
from cdp_web.segments.overlap import segments_overlap
from cdp_web.segments.rules import rule_read
from cdp_web.segments.selectors import segment_or_404
from cdp_web.segments.versions import version_or_404, versions_compare, versions_get
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import snapshot_open


class ExplainedNodeSerializer(serializers.Serializer):
    path = serializers.CharField(help_text="Path in the document, such as rule.all[0].")
    depth = serializers.IntegerField()
    kind = serializers.CharField(help_text="all, any, not, metric, behaviour, sequence, segment or list.")
    sentence = serializers.CharField()
    holds = serializers.BooleanField()
    value = serializers.JSONField(allow_null=True, help_text="The customer's value; amounts and days are text.")
    actual = serializers.CharField(help_text="The customer's value in words, such as a place or the days of two steps.")
    target = serializers.CharField(help_text="What the rule compares it with, in words.")
    segment_id = serializers.IntegerField(allow_null=True, help_text="The other segment that the condition refers to.")


class ExplainedChangeSerializer(serializers.Serializer):
    path = serializers.CharField()
    says = serializers.CharField()


class LeavingSerializer(serializers.Serializer):
    day = serializers.DateField(allow_null=True, help_text="The first day on which the rule no longer holds.")
    unknown = serializers.ListField(child=serializers.CharField(), help_text="The metrics for which no day can be told.")


class CustomerExplanationSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    customer_id = serializers.CharField()
    holds = serializers.BooleanField(help_text="Whether the customer matches the current rule on this publication.")
    is_member = serializers.BooleanField(
        allow_null=True, default=None, help_text="Whether the last complete run has the customer."
    )
    nodes = ExplainedNodeSerializer(many=True)
    changes = ExplainedChangeSerializer(many=True, help_text="The fewest changes that would let the customer in.")
    is_contradiction = serializers.BooleanField(help_text="No change of single conditions would let the customer in.")
    leaving = LeavingSerializer(allow_null=True, help_text="For a customer who is in: when time alone ends it.")
    leaving_says = serializers.CharField()


class SegmentExplainApi(APIView):
    @extend_schema(operation_id="segment_explain", responses=CustomerExplanationSerializer)
    def get(self, request: Request, segment_id: int, customer_id: str) -> Response:
        """Why the customer is in the segment or not: every condition with the customer's values."""
        segment, publication = segment_or_404(segment_id), publication_get_serving()
        explanation = segment_explain_customer(snapshot_open(publication), segment, customer_id.replace("\0", ""))
        if explanation is None:
            raise Http404(f"There is no customer {customer_id} in publication {publication.id}.")
        return Response(
            {
                **CustomerExplanationSerializer(explanation).data,
                "is_member": is_member_at(segment.current_run, customer_id),
            }
        )


class ImpactInputSerializer(serializers.Serializer):
    rule = serializers.JSONField()


class ImpactSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    before = serializers.IntegerField(help_text="Customers who match the current version.")
    after = serializers.IntegerField(help_text="Customers who match the new rule.")
    entered = serializers.IntegerField()
    left = serializers.IntegerField()
    entered_sample = serializers.ListField(child=serializers.CharField(), help_text="Up to 10 customer ids.")
    left_sample = serializers.ListField(child=serializers.CharField(), help_text="Up to 10 customer ids.")
    segments = NamedSegmentSerializer(many=True, help_text="Segments that depend on this one, directly or through others.")
    webhooks = serializers.ListField(child=serializers.CharField(), help_text="Webhooks that report its changes.")


class SegmentImpactApi(APIView):
    @extend_schema(operation_id="segment_impact", request=ImpactInputSerializer, responses=ImpactSerializer)
    def post(self, request: Request, segment_id: int) -> Response:
        """Who would enter and leave if this rule were saved, and what depends on the segment. Nothing is saved."""
        segment = segment_or_404(segment_id)
        data = ImpactInputSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        rule = rule_read(data.validated_data["rule"])
        impact = segment_impact(snapshot_open(publication_get_serving()), segment, rule)
        return Response(ImpactSerializer(impact).data)


class ChangedTextSerializer(serializers.Serializer):
    before = serializers.CharField()
    after = serializers.CharField()


class DifferenceSerializer(serializers.Serializer):
    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    changed = ChangedTextSerializer(many=True, help_text="Conditions about the same thing with another comparison.")
    is_regrouped = serializers.BooleanField(help_text="The same conditions, grouped in another way.")


class VersionSerializer(serializers.Serializer):
    number = serializers.IntegerField(source="version.number")
    author = serializers.CharField(source="version.author.username", allow_null=True, default=None)
    created_at = serializers.DateTimeField(source="version.created_at")
    sentence = serializers.CharField()
    rule = serializers.JSONField(source="version.rule")
    difference = DifferenceSerializer(allow_null=True, help_text="What differs from the version before.")


class SegmentVersionsApi(APIView):
    @extend_schema(operation_id="segment_versions", responses=VersionSerializer(many=True))
    def get(self, request: Request, segment_id: int) -> Response:
        """The versions of the rule, newest first."""
        return Response(VersionSerializer(versions_get(segment_or_404(segment_id)), many=True).data)


class DifferenceQuerySerializer(serializers.Serializer):
    before = serializers.IntegerField(min_value=1)
    after = serializers.IntegerField(min_value=1)


class VersionDifferenceApi(APIView):
    @extend_schema(
        operation_id="segment_version_difference", parameters=[DifferenceQuerySerializer], responses=DifferenceSerializer
    )
    def get(self, request: Request, segment_id: int) -> Response:
        """What differs between two versions, condition by condition."""
        segment = segment_or_404(segment_id)
        data = DifferenceQuerySerializer(data=request.query_params)
        data.is_valid(raise_exception=True)
        return Response(DifferenceSerializer(versions_compare(segment, **data.validated_data)).data)


class RevertInputSerializer(serializers.Serializer):
    version = serializers.IntegerField(help_text="The current version that you read; another one is a conflict (409).")


class SegmentRevertApi(APIView):
    @extend_schema(operation_id="segment_revert", request=RevertInputSerializer, responses=SegmentSerializer)
    def post(self, request: Request, segment_id: int, number: int) -> Response:
        """Save the rule of an earlier version as a new version."""
        segment = segment_or_404(segment_id)
        version_or_404(segment, number)
        data = RevertInputSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        services.segment_revert(
            segment_id=segment_id, number=number, expected_version=data.validated_data["version"], author=request.user
        )
        return Response(SegmentSerializer(segment_or_404(segment_id)).data)


class PairSerializer(serializers.Serializer):
    first = serializers.IntegerField(source="first.pk")
    second = serializers.IntegerField(source="second.pk")
    both = serializers.IntegerField()
    only_first = serializers.IntegerField()
    only_second = serializers.IntegerField()
    jaccard = serializers.FloatField(allow_null=True, help_text="Common members, as a share of all members of the two.")
    first_in_second = serializers.FloatField(allow_null=True, help_text="The share of the first whom the second has too.")
    second_in_first = serializers.FloatField(allow_null=True)


class OverlapSerializer(serializers.Serializer):
    segments = NamedSegmentSerializer(many=True)
    sizes = serializers.ListField(child=serializers.IntegerField(), help_text="In the order of the segments.")
    pairs = PairSerializer(many=True)
    all = serializers.IntegerField(help_text="Members of all segments.")
    any = serializers.IntegerField(help_text="Members of at least one.")
    publications = serializers.ListField(
        child=serializers.IntegerField(), help_text="More than one: the segments were computed on different days."
    )


class SegmentOverlapApi(APIView):
    @extend_schema(
        operation_id="segment_overlap",
        parameters=[OpenApiParameter("ids", str, required=True, description="Two or three ids with commas between: 1,2,3")],
        responses=OverlapSerializer,
    )
    def get(self, request: Request) -> Response:
        """How the current members of two or three segments overlap."""
        texts = request.query_params.get("ids", "").split(",")
        ids = [number for text in texts if (number := parse_whole_number(text.strip()))]
        if len(ids) != len(texts):
            raise serializers.ValidationError({"ids": ["must be two or three ids with commas between, such as 1,2,3."]})
        return Response(OverlapSerializer(segments_overlap(ids)).data)


class SizeSerializer(serializers.Serializer):
    day = serializers.DateField()
    version = serializers.IntegerField()
    count = serializers.IntegerField()
    total = serializers.IntegerField()


class DayChangeSerializer(serializers.Serializer):
    day = serializers.DateField()
    reason = serializers.CharField(help_text="created, data, window, rule, list or restored.")
    entered = serializers.IntegerField()
    left = serializers.IntegerField()


class HistorySerializer(serializers.Serializer):
    sizes = SizeSerializer(many=True, help_text="Oldest day first.")
    changes = DayChangeSerializer(many=True, help_text="Newest day first.")


class SegmentHistoryApi(APIView):
    @extend_schema(operation_id="segment_history", responses=HistorySerializer)
    def get(self, request: Request, segment_id: int) -> Response:
        """The size on every published day, and who entered and left."""
        segment = segment_or_404(segment_id)
        return Response(HistorySerializer({"sizes": sizes_get(segment), "changes": changes_get(segment)}).data)
