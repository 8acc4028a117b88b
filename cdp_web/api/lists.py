"""Uploaded lists of customer ids: as text or as JSON."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.api.errors import WITH_BODY, InUseSerializer, TooManyIdsSerializer, UploadInvalidSerializer
from cdp_web.api.serializers import NamedSegmentSerializer
from cdp_web.segments import lists
from cdp_web.segments.list_selectors import ids_get, list_get, lists_get
from cdp_web.segments.models import CustomerList
from cdp_web.segments.selectors import lists_get_users
from cdp_web.segments.uploads import MAX_BYTES, Upload, UploadTooLarge, read_items, read_stream

MAX_PAGE = 10_000
_UPLOAD_ERRORS = (UploadInvalidSerializer, TooManyIdsSerializer)
_NAME = OpenApiParameter("name", str, description="The name of the list, where the body is text.")


def _refuse_too_large(context: Mapping[str, Any] | None) -> None:
    length = context["request"].META.get("CONTENT_LENGTH") if context else None
    if int(length or 0) > MAX_BYTES:
        raise UploadTooLarge


class IdsJsonParser(BaseParser):
    """JSON up to the limit of uploads. REST framework gives its own parser a body that Django limits to less."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        _refuse_too_large(parser_context)
        try:
            return JSONParser().parse(stream, media_type, parser_context)  # type: ignore[arg-type]
        except RecursionError:
            raise ParseError("JSON parse error - it is nested too deeply.") from None


class TextParser(BaseParser):
    """Ids as text. The body is complete before a transaction begins, however slowly it arrives."""

    media_type = "text/plain"
    is_table = False

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Upload:
        _refuse_too_large(parser_context)
        return read_stream(io.BytesIO(stream.read()), is_table=self.is_table)


class CsvParser(TextParser):
    media_type = "text/csv"
    is_table = True


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": lists.MAX_IDS})
class IdsField(serializers.Field):
    def to_internal_value(self, data: Any) -> Upload:
        if not isinstance(data, list):
            raise serializers.ValidationError("This must be a list of customer ids.")
        return read_items(data)

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError("Ids are only read.")


class NameSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)


class IdsInputSerializer(serializers.Serializer):
    ids = IdsField(help_text=f"Up to {lists.MAX_IDS:,} different ids.")


class ListInputSerializer(IdsInputSerializer, NameSerializer):
    pass


class RefusedLineSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    id = serializers.CharField(help_text="The start of the id.")
    says = serializers.CharField()


class ReportSerializer(serializers.Serializer):
    change = serializers.ChoiceField(choices=("create", "replace", "append", "remove"))
    column = serializers.CharField(help_text="Heading of the column with the ids; empty without a heading.")
    rows = serializers.IntegerField()
    ids = serializers.IntegerField(help_text="Different ids of the upload.")
    repeated = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Ids that are missing, too long or contain control characters.")
    refused_lines = RefusedLineSerializer(many=True, help_text="The first ten.")
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    matched = serializers.IntegerField(allow_null=True, help_text="Ids of the whole list that are customers of `publication`.")
    unknown = serializers.IntegerField(allow_null=True, help_text="Ids of the whole list that are not.")
    unknown_ids = serializers.ListField(child=serializers.CharField(), help_text="The first ten.")
    publication = serializers.IntegerField(allow_null=True)


class ListSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", allow_null=True, default=None)
    report = ReportSerializer(help_text="The last upload, and how many ids of the list are customers.")
    used_by = serializers.SerializerMethodField()

    class Meta:
        model = CustomerList
        fields = ("id", "name", "version", "count", "report", "owner", "created_at", "updated_at", "used_by")

    @extend_schema_field(NamedSegmentSerializer(many=True))
    def get_used_by(self, customer_list: CustomerList) -> Any:
        return NamedSegmentSerializer(self.context["users"].get(customer_list.pk, []), many=True).data


class ListPageQuerySerializer(serializers.Serializer):
    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=0, help_text="`next` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=lists.MAX_LISTS, default=100)


class ListPageSerializer(serializers.Serializer):
    lists = ListSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="`after` of the next page; null on the last one.")


class ListsApi(APIView):
    parser_classes = (IdsJsonParser, CsvParser, TextParser)
    errors = {"POST": _UPLOAD_ERRORS}

    @extend_schema(operation_id="list_list", parameters=[ListPageQuerySerializer], responses=ListPageSerializer)
    def get(self, request: Request) -> Response:
        """Uploaded lists in the order of their numbers."""
        query = ListPageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        after, limit = query.validated_data["after"], query.validated_data["limit"]
        page = list(lists_get().filter(pk__gt=after).order_by("pk")[: limit + 1])
        answer = {"lists": page[:limit], "next": page[limit - 1].pk if len(page) > limit else None}
        return Response(ListPageSerializer(answer, context={"users": lists_get_users()}).data)

    @extend_schema(
        operation_id="list_create",
        parameters=[_NAME],
        request={"application/json": ListInputSerializer, "text/csv": OpenApiTypes.STR, "text/plain": OpenApiTypes.STR},
        responses={201: ListSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a list: JSON, CSV with the ids in a column, or one id per line."""
        upload = _read_upload(request)
        data = NameSerializer(data=request.query_params if request.data is upload else request.data)
        data.is_valid(raise_exception=True)
        created = lists.list_create(name=data.validated_data["name"], upload=upload, owner=request.user)
        return Response(_serialize(created), status=status.HTTP_201_CREATED)


_CHANGE: dict[str, Any] = {
    "request": {"application/json": IdsInputSerializer, "text/csv": OpenApiTypes.STR, "text/plain": OpenApiTypes.STR},
    "responses": ListSerializer,
}


class ListApi(APIView):
    parser_classes = (IdsJsonParser, CsvParser, TextParser)
    errors = {"PUT": _UPLOAD_ERRORS, "PATCH": _UPLOAD_ERRORS, "DELETE": (InUseSerializer,)}

    @extend_schema(operation_id="list_detail", responses=ListSerializer)
    def get(self, request: Request, list_id: int) -> Response:
        """One list with the report of its last upload."""
        return Response(_serialize(_get_list(list_id)))

    @extend_schema(operation_id="list_replace", **_CHANGE)
    def put(self, request: Request, list_id: int) -> Response:
        """Replace all ids. Segments that use the list get a run."""
        return _answer_change(lists.list_replace, request, list_id)

    @extend_schema(operation_id="list_append", **_CHANGE)
    def patch(self, request: Request, list_id: int) -> Response:
        """Add ids. Segments that use the list get a run."""
        return _answer_change(lists.list_append, request, list_id)

    @extend_schema(operation_id="list_delete", responses={204: None})
    def delete(self, request: Request, list_id: int) -> Response:
        """Delete the list, unless a segment uses it."""
        lists.list_delete(customer_list=_get_list(list_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class IdsQuerySerializer(serializers.Serializer):
    after = serializers.CharField(max_length=500, allow_blank=True, default="", help_text="`next` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=1000)


class IdsPageSerializer(serializers.Serializer):
    count = serializers.IntegerField(help_text="Ids of the whole list.")
    members = serializers.ListField(child=serializers.CharField())
    next = serializers.CharField(allow_null=True, help_text="`after` of the next page; null on the last one.")


class ListMembersApi(APIView):
    parser_classes = (IdsJsonParser, CsvParser, TextParser)
    errors = {"DELETE": (*WITH_BODY, *_UPLOAD_ERRORS)}  # a body of DELETE is not part of the description

    @extend_schema(operation_id="list_members", parameters=[IdsQuerySerializer], responses=IdsPageSerializer)
    def get(self, request: Request, list_id: int) -> Response:
        """Ids of the list, sorted."""
        query = IdsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        after, limit = query.validated_data["after"], query.validated_data["limit"]
        customer_list = _get_list(list_id)
        ids = ids_get(list_id, after=after, limit=limit + 1)
        answer = {
            "count": customer_list.count,
            "members": ids[:limit],
            "next": ids[limit - 1] if len(ids) > limit else None,
        }
        return Response(IdsPageSerializer(answer).data)

    @extend_schema(operation_id="list_members_remove", **_CHANGE)
    def delete(self, request: Request, list_id: int) -> Response:
        """Take these ids out of the list. Segments that use the list get a run."""
        return _answer_change(lists.list_remove_ids, request, list_id)


def _answer_change(change: Any, request: Request, list_id: int) -> Response:
    customer_list = _get_list(list_id)
    return Response(_serialize(change(customer_list=customer_list, upload=_read_upload(request), author=request.user)))


def _read_upload(request: Request) -> Upload:
    if isinstance(request.data, Upload):
        return request.data
    data = IdsInputSerializer(data=request.data)
    data.is_valid(raise_exception=True)
    upload: Upload = data.validated_data["ids"]
    return upload


def _get_list(list_id: int) -> CustomerList:
    customer_list = list_get(list_id)
    if customer_list is None:
        raise Http404
    return customer_list


def _serialize(customer_list: CustomerList) -> Any:
    return ListSerializer(customer_list, context={"users": lists_get_users()}).data
