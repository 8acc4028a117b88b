"""The reports on products, audience and retention."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.kinds import DIGITS, MONEY_SCALE
from cdp_web.api.overview import PERIOD_PARAMETERS, PeriodSerializer, parse_period_parameters
from cdp_web.api.serializers import PublicationSerializer
from cdp_web.insights.audience import audience_read
from cdp_web.insights.products import products_read
from cdp_web.insights.retention import MEASURES, UNITS, parse_retention, retention_read
from cdp_web.insights.things import SORTS, TABS, InsightError, parse_thing_query
from cdp_web.serving.publications import publication_get_serving

LINK = "The address of these customers on the site; its `rule` is the rule of a segment."


def _money(source: str | None = None, **more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=DIGITS, decimal_places=MONEY_SCALE, source=source, **more)


def _count(source: str) -> serializers.IntegerField:
    return serializers.IntegerField(source=source)


class ThingSerializer(serializers.Serializer):
    key = serializers.CharField(
        source="sums.key", help_text="Id of the product, name of the category or brand; empty if there is none."
    )
    name = serializers.CharField(allow_blank=True, help_text="Name of the product or category, if the shop has one.")
    category = serializers.CharField(source="sums.category")
    category_name = serializers.CharField(allow_blank=True)
    brand = serializers.CharField(source="sums.brand")
    views = _count("sums.views")
    carts = _count("sums.carts")
    orders = _count("sums.orders")
    items = _count("sums.items")
    revenue = _money("sums.revenue", help_text="Net of refunds.")
    revenue_before = _money("sums.revenue_before", allow_null=True)
    change = serializers.FloatField(source="sums.change", allow_null=True, help_text="0.1 is ten percent more.")
    viewers = _count("people.viewers")
    buyers = _count("people.buyers")
    not_bought = _count("people.not_bought")
    cart_rate = serializers.FloatField(allow_null=True, help_text="Of the viewers, those who also put it into the cart.")
    purchase_rate = serializers.FloatField(allow_null=True, help_text="Of the viewers, those who also bought it.")
    viewers_link = serializers.CharField(source="links.viewers", help_text=LINK)
    buyers_link = serializers.CharField(source="links.buyers", help_text=LINK)
    not_bought_link = serializers.CharField(source="links.not_bought", help_text=LINK)


class ProductReportSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    period = PeriodSerializer()
    before = PeriodSerializer(allow_null=True)
    total = serializers.IntegerField(help_text="Rows of all pages.")
    revenue = _money(help_text="Net revenue of all rows.")
    page = serializers.IntegerField(source="query.page")
    pages = serializers.IntegerField()
    rows = ThingSerializer(many=True)


class GridCellSerializer(serializers.Serializer):
    recency = serializers.IntegerField()
    worth = serializers.IntegerField(help_text="The mean of the scores for frequency and money, half up.")
    group = serializers.CharField()
    customers = serializers.IntegerField()
    revenue = _money()
    link = serializers.CharField(help_text=LINK)


class RfmGroupSerializer(serializers.Serializer):
    name = serializers.CharField()
    customers = serializers.IntegerField()
    customers_share = serializers.FloatField(allow_null=True, help_text="Of all buyers.")
    revenue = _money()
    revenue_share = serializers.FloatField(allow_null=True)
    change_day = serializers.IntegerField(help_text="Customers more than on the day before.")
    change_month = serializers.IntegerField(help_text="Customers more than 30 days before.")
    link = serializers.CharField(help_text=LINK)


class FlowSerializer(serializers.Serializer):
    from_group = serializers.CharField(source="source", help_text="Empty: no order by then.")
    to_group = serializers.CharField(source="target", help_text="Empty: no order yet.")
    customers = serializers.IntegerField()


class FlowsSerializer(serializers.Serializer):
    day = FlowSerializer(many=True)
    month = FlowSerializer(many=True)


class LifecycleSerializer(serializers.Serializer):
    name = serializers.CharField()
    customers = serializers.IntegerField()
    customers_share = serializers.FloatField(allow_null=True)
    change_day = serializers.IntegerField(allow_null=True)
    change_month = serializers.IntegerField(allow_null=True)
    link = serializers.CharField(help_text=LINK)


class AudienceReportSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    customers = serializers.IntegerField()
    buyers = serializers.IntegerField()
    revenue = _money(help_text="Net revenue of all buyers.")
    grid = GridCellSerializer(many=True)
    groups = RfmGroupSerializer(many=True)
    flows = FlowsSerializer(help_text="Since the day before, and since 30 days before.")
    lifecycles = LifecycleSerializer(many=True)


class CohortCellSerializer(serializers.Serializer):
    start = serializers.DateField(source="row.start")
    customers = _count("row.customers")
    buyers = _count("row.buyers")
    revenue = _money("row.revenue")
    unfinished = serializers.BooleanField(help_text="The month or week is not over on the published day.")
    link = serializers.CharField(help_text=LINK)


class CohortSerializer(serializers.Serializer):
    start = serializers.DateField()
    size = serializers.IntegerField()
    cells = CohortCellSerializer(many=True)


class OrderCountSerializer(serializers.Serializer):
    orders = serializers.IntegerField()
    or_more = serializers.BooleanField(source="is_last")
    customers = serializers.IntegerField()


class GapSerializer(serializers.Serializer):
    least = serializers.IntegerField(help_text="Mean days between orders, included.")
    below = serializers.IntegerField(allow_null=True)
    customers = serializers.IntegerField()


class FirstOrderSerializer(serializers.Serializer):
    month = serializers.DateField(source="start")
    buyers = serializers.IntegerField()
    repeaters = serializers.IntegerField(help_text="Of these, customers with a second order.")


class RetentionReportSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    cohorts = CohortSerializer(many=True)
    buyers = serializers.IntegerField()
    repeaters = serializers.IntegerField(help_text="Customers with at least two orders.")
    orders = OrderCountSerializer(many=True)
    days_between_orders = GapSerializer(source="gaps", many=True)
    first_orders = FirstOrderSerializer(many=True)


class ProductsApi(APIView):
    @extend_schema(
        operation_id="insights_products",
        parameters=[
            *PERIOD_PARAMETERS,
            OpenApiParameter("tab", str, enum=list(TABS), default="products"),
            OpenApiParameter("category", str, description="Only products of this category, or only its next level."),
            OpenApiParameter("brand", str, description="Only products of this brand."),
            OpenApiParameter("q", str, description="A part of the name or id."),
            OpenApiParameter("sort", str, enum=[*SORTS, *(f"-{key}" for key in SORTS)], default="-revenue"),
            OpenApiParameter("page", int, default=1),
        ],
        responses=ProductReportSerializer,
    )
    def get(self, request: Request) -> Response:
        """Products, categories or brands of a period: sums, distinct customers, and the change of net revenue."""
        publication = publication_get_serving()
        choice = parse_period_parameters(request, publication)
        try:
            query = parse_thing_query(request.query_params)
        except InsightError as error:
            raise serializers.ValidationError(str(error)) from error
        report = products_read(publication, query, choice.period, choice.comparison)
        return Response(ProductReportSerializer(report).data)


class AudienceApi(APIView):
    @extend_schema(operation_id="insights_audience", responses=AudienceReportSerializer)
    def get(self, request: Request) -> Response:
        """Customers by RFM score, group and lifecycle on the published day, and how they moved between groups."""
        return Response(AudienceReportSerializer(audience_read(publication_get_serving())).data)


class RetentionApi(APIView):
    @extend_schema(
        operation_id="insights_retention",
        parameters=[
            OpenApiParameter("by", str, enum=list(UNITS), default="month"),
            OpenApiParameter("show", str, enum=list(MEASURES), default="customers", description="Whom a cell's link opens."),
        ],
        responses=RetentionReportSerializer,
    )
    def get(self, request: Request) -> Response:
        """Cohorts by the month or week in which customers were first seen, and repeated orders."""
        try:
            unit, measure = parse_retention(request.query_params)
        except InsightError as error:
            raise serializers.ValidationError(str(error)) from error
        return Response(RetentionReportSerializer(retention_read(publication_get_serving(), unit, measure)).data)
