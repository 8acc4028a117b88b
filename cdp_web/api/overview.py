"""The overview and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.rules import list_catalogue
from cdp_web.api.serializers import PublicationSerializer
from cdp_web.overview.kpis import KPIS
from cdp_web.overview.periods import COMPARISONS, DEFAULT_PRESET, PRESETS_BY_KEY, PeriodChoice
from cdp_web.overview.report import Overview, overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.overview.totals import Point
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
        allow_null=True, help_text="The same for the earlier period; null if there is none to compare with."
    )
    note = serializers.CharField(help_text="A second number in words, such as the number of refunds; often empty.")
    caveat = serializers.CharField(help_text="Why the number is not what it seems; mostly empty.")
    change = serializers.FloatField(allow_null=True, help_text="`value` against `before`, in `change_unit`.")
    change_unit = serializers.ChoiceField(
        ["relative", "points"],
        help_text="relative: 0.1 is ten percent more; points: the difference of two rates, 0.01 is one point.",
    )


class StepSerializer(serializers.Serializer):
    title = serializers.CharField()
    sessions = serializers.IntegerField(help_text="Purchases count with or without a cart.")
    share = serializers.FloatField(allow_null=True, help_text="Of the sessions of the first step.")
    from_step_before = serializers.FloatField(allow_null=True, help_text="Of sessions; null for purchases.")
    customers = serializers.IntegerField(help_text="Customers who did this step and all steps before it in the period.")
    customers_share = serializers.FloatField(allow_null=True)
    customers_from_step_before = serializers.FloatField(allow_null=True)


class SeriesSerializer(serializers.Serializer):
    day = serializers.ListField(child=serializers.DateField(), help_text="The first day of each step.")
    revenue = serializers.ListField(child=serializers.FloatField(), help_text="Net revenue.")
    gross_revenue = serializers.ListField(child=serializers.FloatField())
    refunds = serializers.ListField(child=serializers.FloatField())
    orders = serializers.ListField(child=serializers.IntegerField())
    average_order = serializers.ListField(child=serializers.FloatField(allow_null=True))
    conversion = serializers.ListField(child=serializers.FloatField(allow_null=True))
    customers = serializers.ListField(child=serializers.IntegerField())
    buyers = serializers.ListField(child=serializers.IntegerField())
    new_customers = serializers.ListField(child=serializers.IntegerField())


def build_series(points: Sequence[Point]) -> dict[str, list[Any]]:
    """The values of each measure over time, in the names of SeriesSerializer."""
    return {"day": [point.period.first for point in points]} | {
        kpi.key: [kpi.value(point.totals) for point in points] for kpi in KPIS
    }


class CauseSerializer(serializers.Serializer):
    category = serializers.CharField()
    revenue = serializers.CharField()
    usual = serializers.CharField()


class UnusualDaySerializer(serializers.Serializer):
    day = serializers.DateField()
    revenue = serializers.CharField()
    usual = serializers.CharField(help_text="Median net revenue of the same weekday in up to 8 weeks before.")
    ratio = serializers.FloatField()
    cause = CauseSerializer(allow_null=True, help_text="The category that differs most from its mean on those days.")


class EarnerSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="Id of the product, category, or brand; empty if the events have none.")
    name = serializers.CharField(allow_blank=True, help_text="Name of the product or category, if the shop has one.")
    revenue = serializers.CharField(help_text="Net revenue.")
    before = serializers.CharField(allow_null=True)
    change = serializers.FloatField(allow_null=True, help_text="Relative: 0.1 is ten percent more.")


class BreakdownsSerializer(serializers.Serializer):
    products = EarnerSerializer(many=True)
    categories = EarnerSerializer(many=True, help_text="Of the first level.")
    brands = EarnerSerializer(many=True)
    gains = EarnerSerializer(many=True, help_text="Categories of two levels that gained most against the comparison.")
    losses = EarnerSerializer(many=True)


class HourTotalSerializer(serializers.Serializer):
    weekday = serializers.IntegerField(help_text="1 is Monday.")
    hour = serializers.IntegerField(help_text="0 to 23, in UTC.")
    orders = serializers.IntegerField()
    revenue = serializers.CharField(help_text="Net revenue.")


class OrderValueRangeSerializer(serializers.Serializer):
    from_value = serializers.CharField()
    to_value = serializers.CharField(allow_null=True)
    orders = serializers.IntegerField()
    revenue = serializers.CharField(help_text="Value of these orders before refunds.")


class OverviewSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    period = PeriodSerializer(source="choice.period")
    before = PeriodSerializer(
        source="choice.comparison", allow_null=True, help_text="The period to compare with, if the data go back far enough."
    )
    is_comparable = serializers.SerializerMethodField(help_text="There is a period to compare with.")
    data = PeriodSerializer(source="choice.data", help_text="The days with data.")
    kpis = KpiSerializer(many=True, source="tiles")
    funnel = StepSerializer(many=True)
    step = serializers.ChoiceField(["day", "week", "month"], help_text="What one value of `series` covers.")
    series = serializers.SerializerMethodField()
    series_before = serializers.SerializerMethodField()
    unusual_days = UnusualDaySerializer(many=True, help_text="At most 3, the most unusual first.")
    breakdowns = BreakdownsSerializer()
    hours = HourTotalSerializer(many=True)
    order_values = OrderValueRangeSerializer(many=True)

    def get_is_comparable(self, overview: Overview) -> bool:
        return overview.choice.comparison is not None

    @extend_schema_field(SeriesSerializer)
    def get_series(self, overview: Overview) -> Any:
        return SeriesSerializer(build_series(overview.points)).data

    @extend_schema_field(SeriesSerializer(allow_null=True))
    def get_series_before(self, overview: Overview) -> Any:
        return SeriesSerializer(build_series(overview.points_before)).data if overview.choice.comparison else None


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
