"""The bodies of all errors of the API. Each has `code`, for programs, and `detail`, one clear line for people."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers, status
from rest_framework.exceptions import APIException

from cdp_web.api.serializers import NamedSegmentSerializer
from cdp_web.serving.errors import (
    DatabaseUnavailable,
    InterestsUnavailable,
    NoRecommendations,
    NothingPublished,
    NotReady,
    ProfilesUnavailable,
    SnapshotUnavailable,
)
from cdp_web.serving.snapshot_query import QueryTooLarge, QueryTooSlow

_NOT_READY = (
    NotReady,
    NothingPublished,
    NoRecommendations,
    SnapshotUnavailable,
    ProfilesUnavailable,
    InterestsUnavailable,
    DatabaseUnavailable,
    QueryTooSlow,
    QueryTooLarge,
)


class Conflict(APIException):
    """The object is in another state than the request needs."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ErrorSerializer(serializers.Serializer):
    """The base of all: `status` and `about` say when it is the answer."""

    status: ClassVar[int]
    about: ClassVar[str]

    detail = serializers.CharField()


class InvalidSerializer(ErrorSerializer):
    status, about = 400, "The request is not valid."
    code = serializers.ChoiceField(["invalid", "parse_error"], help_text="parse_error: the body is not JSON.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False, help_text="What is wrong, by field."
    )


class ProblemSerializer(serializers.Serializer):
    path = serializers.CharField(help_text="Path in the document, such as rule.all[0].")
    says = serializers.CharField()


class RuleInvalidSerializer(ErrorSerializer):
    status, about = 400, "The rule has problems."
    code = serializers.ChoiceField(["rule_invalid"])
    problems = ProblemSerializer(many=True)


class UploadInvalidSerializer(ErrorSerializer):
    status, about = 400, "The ids can't be read."
    code = serializers.ChoiceField(["upload_invalid"])
    line = serializers.IntegerField(allow_null=True, help_text="Line of the text, or number of the id in JSON.")


class TooManyIdsSerializer(ErrorSerializer):
    status, about = 400, "The list would have too many ids."
    code = serializers.ChoiceField(["too_many_ids"])
    count = serializers.IntegerField(help_text="Ids that the list would have.")
    limit = serializers.IntegerField()


class TooExpensiveSerializer(ErrorSerializer):
    status, about = 400, "The rule needs more time or memory than one rule may have."
    code = serializers.ChoiceField(["too_expensive"])
    path = serializers.CharField(help_text="The most expensive condition.")
    remedy = serializers.CharField(help_text="How to loosen it.")


class UnauthenticatedSerializer(ErrorSerializer):
    status, about = 401, "There is no login, or the token is wrong."
    code = serializers.ChoiceField(["not_authenticated", "authentication_failed"])


class ForbiddenSerializer(ErrorSerializer):
    status, about = 403, "The user's role does not allow this, or the CSRF token of a session is missing."
    code = serializers.ChoiceField(["permission_denied"])


class NotFoundSerializer(ErrorSerializer):
    status, about = 404, "There is no such object."
    code = serializers.ChoiceField(["not_found"])


class ConflictSerializer(ErrorSerializer):
    status, about = 409, "The object has changed since you read it, or is not in the state that the request needs."
    code = serializers.ChoiceField(["conflict"])


class InUseSerializer(ErrorSerializer):
    status, about = 409, "Other segments refer to the object."
    code = serializers.ChoiceField(["in_use"])
    used_by = NamedSegmentSerializer(many=True)


class TooLargeSerializer(ErrorSerializer):
    status, about = 413, "The body is too large."
    code = serializers.ChoiceField(["too_large"])


class MediaTypeSerializer(ErrorSerializer):
    status, about = 415, "The body is not of a type that the endpoint reads."
    code = serializers.ChoiceField(["unsupported_media_type"])


class ThrottledSerializer(ErrorSerializer):
    status, about = 429, "The user has sent too many requests. `Retry-After` says how many seconds to wait."
    code = serializers.ChoiceField(["throttled"])


class ServerErrorSerializer(ErrorSerializer):
    status, about = 500, "The platform has a fault; its log has the details."
    code = serializers.ChoiceField(["server_error"])


class NotReadySerializer(ErrorSerializer):
    status, about = 503, "Nothing is published yet, or a store is down."
    code = serializers.ChoiceField([each.code for each in _NOT_READY])
    remedy = serializers.CharField(help_text="What to do.")


#: Any endpoint may answer with these.
EVERYWHERE = (UnauthenticatedSerializer, ForbiddenSerializer, ThrottledSerializer, ServerErrorSerializer, NotReadySerializer)
#: Endpoints that read a body may answer with these.
WITH_BODY = (InvalidSerializer, TooLargeSerializer, MediaTypeSerializer)
