"""Customers: the list from the snapshot, one from MongoDB."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.metrics import LIFECYCLES
from cdp_web.api.serializers import NamedSegmentSerializer, PublicationSerializer, build_metrics_serializer
from cdp_web.customers.listing import MAX_PAGES, SORTS, customer_page_get, parse_query
from cdp_web.customers.profiles import profile_get
from cdp_web.segments.selectors import STAYS_SHOWN, segments_get_for_customer, stays_get_for_customer
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import LIST_COLUMNS, snapshot_open

CustomerRowSerializer = build_metrics_serializer("CustomerRowSerializer", LIST_COLUMNS, customer_id=serializers.CharField())
CustomerMetricsSerializer = build_metrics_serializer("CustomerMetricsSerializer")


class EventSerializer(serializers.Serializer):
    time = serializers.DateTimeField()
    type = serializers.CharField()
    product_id = serializers.CharField()
    category_code = serializers.CharField(allow_null=True)
    brand = serializers.CharField(allow_null=True)
    price = serializers.DecimalField(max_digits=PRICE_DIGITS, decimal_places=MONEY_SCALE, help_text="Price of one unit.")
    quantity = serializers.IntegerField()
    revenue = serializers.DecimalField(
        max_digits=DIGITS,
        decimal_places=MONEY_SCALE,
        allow_null=True,
        help_text="Only for purchases and refunds; negative for refunds.",
    )


class CustomerListSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    customers = CustomerRowSerializer(many=True)


class CustomerListApi(APIView):
    @extend_schema(
        operation_id="customer_list",
        parameters=[
            OpenApiParameter("q", str, description="The beginning of the id."),
            OpenApiParameter("lifecycle", str, enum=LIFECYCLES),
            OpenApiParameter("sort", str, enum=[*SORTS, *(f"-{key}" for key in SORTS)]),
            OpenApiParameter("page", int, description=f"1 to {MAX_PAGES}"),
        ],
        responses=CustomerListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Customers of the published snapshot, 50 per page."""
        publication = publication_get_serving()
        page = customer_page_get(snapshot_open(publication), parse_query(request.query_params))
        answer = {
            "publication": publication,
            "total": page.total,
            "page": page.query.page,
            "pages": page.pages,
            "customers": page.rows,
        }
        return Response(CustomerListSerializer(answer).data)


class CustomerDetailSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    customer_id = serializers.CharField()
    metrics = CustomerMetricsSerializer()
    recent = EventSerializer(many=True)
    segments = NamedSegmentSerializer(many=True)


class CustomerDetailApi(APIView):
    @extend_schema(operation_id="customer_detail", responses=CustomerDetailSerializer)
    def get(self, request: Request, customer_id: str) -> Response:
        """One customer: all metrics, the last events, and the segments the customer is in."""
        publication = publication_get_serving()
        profile = profile_get(publication, customer_id)
        if profile is None:
            raise Http404
        answer = {
            "publication": publication,
            "customer_id": profile.customer_id,
            "metrics": profile.metrics,
            "recent": profile.recent,
            "segments": segments_get_for_customer(customer_id),
        }
        return Response(CustomerDetailSerializer(answer).data)


class CurrentStaySerializer(serializers.Serializer):
    id = serializers.IntegerField(source="segment_id")
    name = serializers.CharField(source="segment.name")
    entered_day = serializers.DateField()
    entered_reason = serializers.CharField()


class StaySerializer(CurrentStaySerializer):
    left_day = serializers.DateField(allow_null=True, required=False, help_text="Only with `all`.")
    left_reason = serializers.CharField(allow_blank=True, required=False, help_text="Only with `all`.")


class CustomerSegmentsApi(APIView):
    @extend_schema(
        operation_id="customer_segments",
        parameters=[OpenApiParameter("all", bool, default=False, description=f"Also past stays; the latest {STAYS_SHOWN}.")],
        responses=StaySerializer(many=True),
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """The segments that the customer is in, newest first; an empty list for an unknown customer."""
        with_past = request.query_params.get("all") in ("1", "true")
        stays = stays_get_for_customer(customer_id, with_past=with_past)
        serializer = StaySerializer if with_past else CurrentStaySerializer
        return Response(serializer(stays, many=True).data)
