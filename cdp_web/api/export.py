"""The file of an export and its manifest."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from cdp_web.accounts.roles import Role
from cdp_web.segments.export.options import FORMATS, IDS
from cdp_web.segments.export.recommendations import MAX_PRODUCTS, PRODUCTS
from cdp_web.segments.export.views import answer_file, answer_manifest, answer_recommendations, open_requested

PARAMETERS = [
    OpenApiParameter("format", str, enum=FORMATS, default="csv"),
    OpenApiParameter("columns", str, description="Metrics, comma separated, or `all`; without it the columns of the list."),
    OpenApiParameter("ids", str, enum=IDS, default="plain", description="`sha256`: lower-case hex of the id in UTF-8."),
    OpenApiParameter("personal", bool, default=False, description="Also `name` and `email`, with the permission to see them."),
    OpenApiParameter("run", int, description="A complete run of the segment; without it the current one."),
    OpenApiParameter("changes_since", int, description="Only who entered or left since this run, with the column `change`."),
]


class AcceptAnything(BaseContentNegotiation):
    """The parameter `format` and the file decide about the type of the answer, not the header of the request."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next(iter(parsers), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ExportApi(APIView):
    required_role = Role.ANALYST
    content_negotiation_class = AcceptAnything

    @extend_schema(
        operation_id="segment_export",
        parameters=PARAMETERS,
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, segment_id: int) -> HttpResponseBase:
        """The members of a run as a file. The headers X-Export-Rows and X-Export-Run name its rows and the run."""
        return answer_file(open_requested(request._request, segment_id))


class ExportRecommendationsApi(APIView):
    required_role = Role.ANALYST
    content_negotiation_class = AcceptAnything

    @extend_schema(
        operation_id="segment_export_recommendations",
        parameters=[
            *(each for each in PARAMETERS if each.name in ("format", "ids")),
            OpenApiParameter("products", int, default=PRODUCTS, description=f"Products of a row, at most {MAX_PRODUCTS}."),
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, segment_id: int) -> HttpResponseBase:
        """What the current members get recommended as a file, one row per member."""
        return answer_recommendations(request._request, segment_id)


class ManifestSerializer(serializers.Serializer):
    class ManifestSegmentSerializer(serializers.Serializer):
        id = serializers.IntegerField()
        name = serializers.CharField()

    segment = ManifestSegmentSerializer()
    version = serializers.IntegerField(help_text="Of the rule.")
    publication = serializers.IntegerField()
    day = serializers.DateField()
    run = serializers.IntegerField()
    changes_since = serializers.IntegerField(allow_null=True)
    file = serializers.CharField(help_text="Name of the file.")
    format = serializers.ChoiceField(choices=FORMATS)
    columns = serializers.ListField(child=serializers.CharField())
    ids = serializers.ChoiceField(choices=IDS)
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Checksum of the file.")
    created_at = serializers.DateTimeField()


class ExportManifestApi(APIView):
    required_role = Role.ANALYST
    content_negotiation_class = AcceptAnything

    @extend_schema(operation_id="segment_export_manifest", parameters=PARAMETERS, responses=ManifestSerializer)
    def get(self, request: Request, segment_id: int) -> HttpResponseBase:
        """What the file with the same parameters contains. Name the run to be sure that both are of the same one."""
        return answer_manifest(open_requested(request._request, segment_id))
