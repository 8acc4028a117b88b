"""The overview and the catalogue."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.rules import list_catalogue
from cdp_web.api.serializers import PublicationSerializer
from cdp_web.overview.periods import DEFAULT_PERIOD, PERIODS, parse_period_days
from cdp_web.overview.report import overview_read
from cdp_web.serving.publications import publication_get_serving


class PeriodSerializer(serializers.Serializer):
    first = serializers.DateField()
    last = serializers.DateField()


class KpiSerializer(serializers.Serializer):
    key = serializers.CharField(source="kpi.key")
    title = serializers.CharField(source="kpi.title")
    about = serializers.CharField(source="kpi.about")
    value = serializers.CharField(allow_null=True, help_text="A number as text, so no cent is lost.")
    before = serializers.CharField(
        allow_null=True, help_text="The same for the period before, if the history goes back far enough."
    )
    note = serializers.CharField(help_text="A second number in words, such as the number of refunds; often empty.")
    change = serializers.FloatField(allow_null=True, help_text="Relative to `before`: 0.1 is ten percent more.")


class StepSerializer(serializers.Serializer):
    title = serializers.CharField()
    sessions = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    from_step_before = serializers.FloatField(allow_null=True)


class SeriesSerializer(serializers.Serializer):
    day = serializers.ListField(child=serializers.DateField())
    revenue = serializers.ListField(child=serializers.FloatField(), help_text="Net revenue.")
    orders = serializers.ListField(child=serializers.IntegerField())


class OverviewSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    period = PeriodSerializer()
    before = PeriodSerializer()
    is_comparable = serializers.BooleanField(help_text="The history covers the whole period before.")
    kpis = KpiSerializer(many=True, source="tiles")
    funnel = StepSerializer(many=True)
    series = SeriesSerializer()
    series_before = SeriesSerializer(allow_null=True)


class OverviewApi(APIView):
    @extend_schema(
        operation_id="overview",
        parameters=[OpenApiParameter("days", int, enum=PERIODS, default=DEFAULT_PERIOD)],
        responses=OverviewSerializer,
    )
    def get(self, request: Request) -> Response:
        """Numbers of the shop for the last days up to the published day, compared with the same number of days before."""
        try:
            days = parse_period_days(request.query_params.get("days"))
        except ValueError as error:
            raise serializers.ValidationError({"days": str(error)}) from error
        return Response(OverviewSerializer(overview_read(publication_get_serving(), days)).data)


class CatalogueEntrySerializer(serializers.Serializer):
    class OperatorSerializer(serializers.Serializer):
        key = serializers.CharField()
        label = serializers.CharField()
        values = serializers.CharField(help_text="Number of values: none, one, two or many.")
        value_kind = serializers.CharField()
        about = serializers.CharField(allow_blank=True)

    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    about = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())
    operators = OperatorSerializer(many=True)


class CatalogueApi(APIView):
    @extend_schema(operation_id="catalogue", responses=CatalogueEntrySerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every metric that a rule may use, with its operators."""
        return Response(CatalogueEntrySerializer(list_catalogue(), many=True).data)
