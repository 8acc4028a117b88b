"""Which customers a rule matches; the live count of the rule builder uses this too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.accounts.roles import Role
from cdp_web.api.errors import RuleInvalidSerializer, TooExpensiveSerializer
from cdp_web.api.paging import MAX_KEY
from cdp_web.api.serializers import PERSONAL, PublicationSerializer, RuleField, build_metrics_serializer
from cdp_web.api.throttling import BurstThrottle, PreviewThrottle, UserThrottle
from cdp_web.names.people import rows_add_names
from cdp_web.segments.preview import Preview, segment_preview
from cdp_web.segments.rules import references_read, rule_read
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import LIST_COLUMNS, snapshot_open


class _CustomerUrlField(serializers.CharField):
    def to_representation(self, customer_id: str) -> str:
        return reverse("customers:detail", args=[customer_id])


class _SegmentUrlField(serializers.CharField):
    def to_representation(self, segment_id: int) -> str:
        return reverse("segments:detail", args=[segment_id])


class SameRuleSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    url = _SegmentUrlField(source="id")


SampleSerializer = build_metrics_serializer(
    "SampleSerializer",
    LIST_COLUMNS,
    customer_id=serializers.CharField(),
    name=serializers.CharField(allow_null=True, help_text=PERSONAL),
    url=_CustomerUrlField(source="customer_id"),
)


class NodeSerializer(serializers.Serializer):
    path = serializers.CharField(help_text="Path in the document, such as rule.all[0].")
    count = serializers.IntegerField(help_text="On its own.")
    in_place = serializers.IntegerField(help_text="After the conditions that come before it in the groups around it.")


class NearMissSerializer(serializers.Serializer):
    customer_id = serializers.CharField(source="customer.customer_id")
    name = serializers.CharField(source="customer.name", allow_null=True, help_text=PERSONAL)
    url = _CustomerUrlField(source="customer.customer_id")
    path = serializers.CharField(help_text="The only condition that keeps the customer out.")
    says = serializers.CharField()


class PreviewInputSerializer(serializers.Serializer):
    rule = RuleField()
    segment = serializers.IntegerField(
        min_value=1,
        max_value=MAX_KEY,
        allow_null=True,
        default=None,
        help_text="The segment being edited; it is left out of `same_as`.",
    )


class PreviewSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    count = serializers.IntegerField(help_text="Exact.")
    total = serializers.IntegerField()
    share = serializers.FloatField()
    nodes = NodeSerializer(many=True, help_text="How many customers each condition and group matches.")
    sample = SampleSerializer(many=True)
    near_misses = NearMissSerializer(many=True, help_text="Some customers who fail one condition only.")
    sentence = serializers.CharField()
    sql = serializers.CharField()
    seconds = serializers.FloatField()
    same_as = SameRuleSerializer(many=True)
    notice = serializers.CharField(help_text="What to know about the count, such as that there are no recommendations yet.")


class SegmentPreviewApi(APIView):
    required_role = Role.VIEWER  # it changes nothing
    throttle_classes = (UserThrottle, BurstThrottle, PreviewThrottle)
    errors = {"POST": (RuleInvalidSerializer, TooExpensiveSerializer)}

    @extend_schema(operation_id="segment_preview", request=PreviewInputSerializer, responses=PreviewSerializer)
    def post(self, request: Request) -> Response:
        """Count a rule exactly on the serving publication, as a run would."""
        data = PreviewInputSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        rule = rule_read(data.validated_data["rule"])
        segment_id = data.validated_data["segment"]
        references = references_read(rule, of_segment=segment_id)
        preview = segment_preview(snapshot_open(publication_get_serving()), rule, references, but_not=segment_id)
        return Response(PreviewSerializer(_add_names(preview, request.user)).data)


def _add_names(preview: Preview, user: Any) -> Preview:
    near = [miss.customer for miss in preview.near_misses]
    named = rows_add_names([*preview.sample, *near], user)
    sample, near = named[: len(preview.sample)], named[len(preview.sample) :]
    misses = [replace(miss, customer=customer) for miss, customer in zip(preview.near_misses, near, strict=True)]
    return replace(preview, sample=sample, near_misses=misses)
