"""What customers get recommended, in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp.rules.recommended import MAX_PLACES
from cdp.rules.tree import DEFAULT_PLACES
from cdp_web.accounts.roles import Role
from cdp_web.api.paging import PageQuerySerializer, cut_page, read_query
from cdp_web.segments.keyset import member_ids_get_after
from cdp_web.segments.selectors import run_snapshot_open, segment_or_404
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.recommended_lists import (
    customer_ids_get_after,
    list_names_get,
    lists_read,
    recommendations_require,
)
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open


class RecommendationsQuerySerializer(PageQuerySerializer):
    after = serializers.CharField(  # type: ignore[assignment]
        default="", max_length=500, trim_whitespace=False, help_text="The `next` of the page before; without it the first page."
    )
    places = serializers.IntegerField(min_value=1, max_value=MAX_PLACES, default=DEFAULT_PLACES, help_text="Of each list.")


class PlaceSerializer(serializers.Serializer):
    place = serializers.IntegerField(help_text="From 1.")
    product_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True, help_text="Of the product, if the shop has one.")
    category = serializers.CharField(allow_null=True)
    category_name = serializers.CharField(allow_blank=True)


class RecommendedListSerializer(serializers.Serializer):
    customer_id = serializers.CharField()
    top_category = serializers.CharField(allow_null=True, help_text="The category with most of these places.")
    products = PlaceSerializer(many=True, help_text="The first place first; empty without recommendations for the customer.")


class RecommendationsSerializer(serializers.Serializer):
    publication = serializers.CharField(help_text="Of the recommendations. Begin again if it differs from the page before.")
    day = serializers.DateField(help_text="The last day that they know.")
    customers = RecommendedListSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class RecommendationsApi(APIView):
    required_role = Role.ANALYST

    @extend_schema(
        operation_id="recommendations", parameters=[RecommendationsQuerySerializer], responses=RecommendationsSerializer
    )
    def get(self, request: Request) -> Response:
        """What all customers get recommended, by customer id."""
        query = read_query(RecommendationsQuerySerializer, request.query_params)
        snapshot = snapshot_open(publication_get_serving())
        return _answer_page(snapshot, customer_ids_get_after(snapshot, query["after"], query["limit"] + 1), query)


class SegmentRecommendationsApi(APIView):
    required_role = Role.ANALYST

    @extend_schema(
        operation_id="segment_recommendations", parameters=[RecommendationsQuerySerializer], responses=RecommendationsSerializer
    )
    def get(self, request: Request, segment_id: int) -> Response:
        """What the members of a segment get recommended, by customer id."""
        query = read_query(RecommendationsQuerySerializer, request.query_params)
        run = segment_or_404(segment_id).current_run
        if run is None:
            raise Http404("The segment has no complete run yet.")
        return _answer_page(run_snapshot_open(run), member_ids_get_after(run, query["after"], query["limit"] + 1), query)


def _answer_page(snapshot: Snapshot, found: Sequence[str], query: dict[str, Any]) -> Response:
    newest = recommendations_require()
    ids, last = cut_page(found, query["limit"])
    lists = lists_read(snapshot, newest, ids, query["places"])
    names = list_names_get(lists)
    customers = [
        {
            "customer_id": each.customer_id,
            "top_category": each.top_category,
            "products": [
                {
                    "place": place.place,
                    "product_id": place.product_id,
                    "name": names.products.get(place.product_id, ""),
                    "category": place.category,
                    "category_name": names.categories.get(place.category or "", ""),
                }
                for place in each.places
            ],
        }
        for each in lists
    ]
    page = {"publication": newest.publication, "day": newest.day, "customers": customers, "next": last}
    return Response(RecommendationsSerializer(page).data)
