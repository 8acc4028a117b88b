"""Customers: the list from the snapshot, one from MongoDB."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.interests import KINDS as INTEREST_KINDS
from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.metrics import METRICS, Metric
from cdp_web.api.paging import MAX_LIMIT, read_query
from cdp_web.api.serializers import PERSONAL, NamedSegmentSerializer, PublicationSerializer, build_metrics_serializer
from cdp_web.customers.listing import MAX_SEARCH, SORTS, parse_query
from cdp_web.customers.profiles import ProfileEvent, profile_get
from cdp_web.customers.selectors import customer_page_get
from cdp_web.live.interests import interests_get
from cdp_web.names.people import people_get, rows_add_names
from cdp_web.names.selectors import Names, names_get
from cdp_web.segments.selectors import STAYS_SHOWN, segments_get_for_customer, stays_get_for_customer
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import snapshot_open


def build_row_serializer(columns: tuple[Metric, ...]) -> type[serializers.Serializer]:
    name = serializers.CharField(allow_null=True, help_text=PERSONAL)
    return build_metrics_serializer("CustomerRowSerializer", columns, customer_id=serializers.CharField(), name=name)


CustomerRowSerializer = build_row_serializer(METRICS)
CustomerMetricsSerializer = build_metrics_serializer("CustomerMetricsSerializer")


class EventSerializer(serializers.Serializer):
    time = serializers.DateTimeField()
    type = serializers.CharField()
    product_id = serializers.CharField()
    product_name = serializers.SerializerMethodField(help_text="Empty if the shop has none.")
    category_code = serializers.CharField(allow_null=True)
    category_name = serializers.SerializerMethodField(help_text="Empty if the shop has none.")
    brand = serializers.CharField(allow_null=True)
    price = serializers.DecimalField(max_digits=PRICE_DIGITS, decimal_places=MONEY_SCALE, help_text="Price of one unit.")
    quantity = serializers.IntegerField()
    revenue = serializers.DecimalField(
        max_digits=DIGITS,
        decimal_places=MONEY_SCALE,
        allow_null=True,
        help_text="Only for purchases and refunds; negative for refunds.",
    )

    def get_product_name(self, event: ProfileEvent) -> str:
        names: Names = self.context["names"]
        return names.products.get(event.product_id, "")

    def get_category_name(self, event: ProfileEvent) -> str:
        names: Names = self.context["names"]
        return names.categories.get(event.category_code or "", "")


class CustomerListSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    total = serializers.IntegerField(help_text="Customers of the whole list.")
    customers = CustomerRowSerializer(many=True, help_text="Only the requested columns.")
    next = serializers.CharField(allow_null=True, help_text="The `after` of the following page; null on the last one.")


class CustomerQuerySerializer(serializers.Serializer):
    q = serializers.CharField(required=False, max_length=MAX_SEARCH, allow_blank=True, help_text="The beginning of the id.")
    rule = serializers.CharField(required=False, allow_blank=True, help_text="The JSON document of a rule, as segments have it.")
    columns = serializers.CharField(
        required=False, allow_blank=True, help_text="Metrics, comma separated, or `all`; without it the columns of the page."
    )
    sort = serializers.ChoiceField(required=False, allow_blank=True, choices=[*SORTS, *(f"-{key}" for key in SORTS)])
    after = serializers.CharField(required=False, allow_blank=True, help_text="The `next` of the page before, for the same sort.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=100)


class CustomerListApi(APIView):
    @extend_schema(operation_id="customer_list", parameters=[CustomerQuerySerializer], responses=CustomerListSerializer)
    def get(self, request: Request) -> Response:
        """Customers of the published snapshot that match a rule, in pages."""
        limit = read_query(CustomerQuerySerializer, request.query_params)["limit"]
        query = parse_query(request.query_params, "columns", limit)
        publication = publication_get_serving()
        page = customer_page_get(snapshot_open(publication), query)
        rows = build_row_serializer(query.columns)
        return Response(
            {
                "publication": PublicationSerializer(publication).data,
                "total": page.total,
                "customers": rows(rows_add_names(page.rows, request.user), many=True).data,
                "next": page.next.encode() if page.next else None,
            }
        )


class CustomerDetailSerializer(serializers.Serializer):
    publication = PublicationSerializer()
    customer_id = serializers.CharField()
    name = serializers.CharField(allow_null=True, help_text=PERSONAL)
    email = serializers.CharField(allow_null=True, help_text=PERSONAL)
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
        person = people_get(request.user, [customer_id]).get(customer_id)
        names = names_get(
            products=(event.product_id for event in profile.recent), categories=(event.category_code for event in profile.recent)
        )
        answer = {
            "publication": publication,
            "customer_id": profile.customer_id,
            "name": person and person.name,
            "email": person and person.email,
            "metrics": profile.metrics,
            "recent": profile.recent,
            "segments": segments_get_for_customer(customer_id),
        }
        return Response(CustomerDetailSerializer(answer, context={"names": names}).data)


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


class InterestSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(list(INTEREST_KINDS))
    key = serializers.CharField(help_text="The product's id, the category's code or the brand.")
    score = serializers.FloatField(help_text="Sum of the strengths of the events, each halved every ten minutes.")
    last_minute = serializers.DateTimeField(help_text="Beginning of the minute of the newest event.")


class CustomerInterestsApi(APIView):
    @extend_schema(operation_id="customer_interests", responses=InterestSerializer(many=True))
    def get(self, request: Request, customer_id: str) -> Response:
        """What the customer is interested in right now, the strongest first; an empty list for an unknown customer."""
        return Response(InterestSerializer(interests_get(customer_id), many=True).data)
