"""Segments explained: why a customer is in or out, what a change would do, versions, history and overlap."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.serializers import PublicationSerializer
from cdp_web.segments.explain_customer import is_member_at, segment_explain_customer
from cdp_web.segments.views import segment_or_404
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
