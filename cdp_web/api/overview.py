"""The overview and the catalogue."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.rules import list_catalogue
from cdp_web.api.serializers import PublicationSerializer
from cdp_web.overview.periods import COMPARISONS, DEFAULT_PRESET, PRESETS_BY_KEY, PeriodChoice
from cdp_web.overview.report import overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.serving.publications import Publication, publication_get_serving


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
    before = PeriodSerializer(allow_null=True, help_text="The period to compare with, if the data go back far enough.")
    is_comparable = serializers.BooleanField(help_text="There is a period to compare with.")
    kpis = KpiSerializer(many=True, source="tiles")
    funnel = StepSerializer(many=True)
    series = SeriesSerializer()
    series_before = SeriesSerializer(allow_null=True)


PERIOD_PARAMETERS = [
    OpenApiParameter("period", str, enum=list(PRESETS_BY_KEY), default=DEFAULT_PRESET),
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day of any other period."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Its last day."),
    OpenApiParameter("compare", str, enum=list(COMPARISONS), default="before"),
]


def parse_period_parameters(request: Request, publication: Publication) -> PeriodChoice:
    try:
        return period_choose(request.query_params, publication)
    except ValueError as error:
        raise serializers.ValidationError({"period": str(error)}) from error


class OverviewApi(APIView):
    @extend_schema(operation_id="overview", parameters=PERIOD_PARAMETERS, responses=OverviewSerializer)
    def get(self, request: Request) -> Response:
        """Numbers of the shop in a period, compared with an earlier period."""
        publication = publication_get_serving()
        return Response(OverviewSerializer(overview_read(publication, parse_period_parameters(request, publication))).data)


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
