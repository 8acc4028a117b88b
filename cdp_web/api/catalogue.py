"""What a rule can say about behaviour, suggestions of values, and the distribution of a metric."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.rules import describe_behaviours, describe_recommended
from cdp_web.api.overview import CatalogueEntrySerializer
from cdp_web.api.serializers import PublicationSerializer
from cdp_web.segments import distribution
from cdp_web.segments.suggestions import FIELDS, SHOWN, categories_get, values_suggest
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import snapshot_open

_OperatorSerializer = CatalogueEntrySerializer.OperatorSerializer


class TitleSerializer(serializers.Serializer):
    key = serializers.CharField()
    title = serializers.CharField()


class EventFieldSerializer(TitleSerializer):
    kind = serializers.CharField()
    about = serializers.CharField(allow_blank=True)
    limits = serializers.ListField(child=serializers.IntegerField(), allow_null=True, help_text="Smallest and largest value.")
    operators = _OperatorSerializer(many=True)


class MeasureSerializer(TitleSerializer):
    kind = serializers.CharField()
    about = serializers.CharField(allow_blank=True)
    events = serializers.ListField(child=serializers.CharField(), help_text="The events that have this measure.")
    operators = _OperatorSerializer(many=True)


class WindowSerializer(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()
    values = serializers.CharField(help_text="Number of values: none, one or two.")
    value_kind = serializers.CharField(allow_null=True)
    about = serializers.CharField(allow_blank=True)


class BehavioursSerializer(serializers.Serializer):
    events = TitleSerializer(many=True)
    fields = EventFieldSerializer(many=True)  # type: ignore[assignment]
    shared_fields = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that both steps of a sequence can share."
    )
    measures = MeasureSerializer(many=True)
    windows = WindowSerializer(many=True)
    weekdays = serializers.ListField(child=serializers.CharField())
    max_step_days = serializers.IntegerField(help_text="Longest time between the steps of a sequence.")


class RecommendedSerializer(serializers.Serializer):
    class RecommendedKindSerializer(TitleSerializer):
        about = serializers.CharField()

    kinds = RecommendedKindSerializer(many=True)
    places = serializers.IntegerField(help_text="Places that count unless the rule says how many.")
    max_places = serializers.IntegerField()


class RecommendedApi(APIView):
    @extend_schema(operation_id="catalogue_recommended", responses=RecommendedSerializer)
    def get(self, request: Request) -> Response:
        """What a rule can say about recommendations."""
        return Response(describe_recommended())


class BehavioursApi(APIView):
    @extend_schema(operation_id="catalogue_behaviours", responses=BehavioursSerializer)
    def get(self, request: Request) -> Response:
        """Events, fields, measures and windows of behaviours."""
        return Response(describe_behaviours())


class ValuesQuerySerializer(serializers.Serializer):
    field = serializers.ChoiceField(choices=FIELDS, help_text="A field of events, a text metric, or what is recommended.")
    q = serializers.CharField(
        max_length=200, allow_blank=True, default="", help_text="Part of the value or of its name, in any case."
    )


class SuggestionSerializer(serializers.Serializer):
    value = serializers.CharField()
    name = serializers.CharField(allow_blank=True, help_text="Name of the product or category, if the shop has one.")
    customers = serializers.IntegerField(help_text="Customers who have it, exact.")


class ValuesSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    values = SuggestionSerializer(many=True, help_text=f"At most {SHOWN}, by number of customers.")


class ValuesApi(APIView):
    @extend_schema(operation_id="catalogue_values", parameters=[ValuesQuerySerializer], responses=ValuesSerializer)
    def get(self, request: Request) -> Response:
        """Suggest values of a field for a rule."""
        query = ValuesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        publication = publication_get_serving()
        values = values_suggest(snapshot_open(publication), query.validated_data["field"], query.validated_data["q"])
        return Response(ValuesSerializer({"publication": publication, "values": values}).data)


class DistributionQuerySerializer(serializers.Serializer):
    field = serializers.ChoiceField(choices=distribution.FIELDS, help_text="A metric that is a number.")


class BinSerializer(serializers.Serializer):
    start = serializers.DecimalField(max_digits=None, decimal_places=None)
    end = serializers.DecimalField(max_digits=None, decimal_places=None, allow_null=True, help_text="Excluded; null: no end.")
    customers = serializers.IntegerField()


class DistributionSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    field = serializers.CharField()
    customers = serializers.IntegerField(help_text="Customers with a value.")
    missing = serializers.IntegerField(help_text="Customers without one.")
    least = serializers.DecimalField(max_digits=None, decimal_places=None, allow_null=True)
    median = serializers.DecimalField(max_digits=None, decimal_places=None, allow_null=True)
    greatest = serializers.DecimalField(max_digits=None, decimal_places=None, allow_null=True)
    bins = BinSerializer(many=True, help_text="In order; the last one holds all greater values.")


class DistributionApi(APIView):
    @extend_schema(
        operation_id="catalogue_distribution", parameters=[DistributionQuerySerializer], responses=DistributionSerializer
    )
    def get(self, request: Request) -> Response:
        """How the values of a metric are distributed over the customers."""
        query = DistributionQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        publication = publication_get_serving()
        answer = distribution.distribution_get(snapshot_open(publication), query.validated_data["field"])
        return Response(DistributionSerializer({"publication": publication, **asdict(answer)}).data)


class CategorySerializer(serializers.Serializer):
    path = serializers.ListField(child=serializers.CharField(), help_text="The category of each level, from the first on.")
    name = serializers.CharField(allow_blank=True, help_text="Name of its last level, if the shop has one.")
    customers = serializers.IntegerField(help_text="Customers with an event of this category, exact.")


class CategoriesSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    categories = CategorySerializer(many=True, help_text="In the order of the tree; of equals, those of more customers first.")


class CategoriesApi(APIView):
    @extend_schema(operation_id="catalogue_categories", responses=CategoriesSerializer)
    def get(self, request: Request) -> Response:
        """The tree of categories, for filters of a rule."""
        publication = publication_get_serving()
        categories = categories_get(snapshot_open(publication))
        return Response(CategoriesSerializer({"publication": publication, "categories": categories}).data)
