"""Errors as JSON: `detail` is one clear line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from cdp_web.customers.listing import ListingError
from cdp_web.segments.evaluate import TooExpensive
from cdp_web.segments.lists import ListInUse, TooManyIds
from cdp_web.segments.rules import RuleInvalid
from cdp_web.segments.services import EditConflict, SegmentInUse
from cdp_web.segments.uploads import UploadInvalid, UploadTooLarge
from cdp_web.serving.errors import NotReady


def _answer_not_ready(error: NotReady) -> Response:
    return Response(error.as_json(), status=status.HTTP_503_SERVICE_UNAVAILABLE)


def _answer_rule_invalid(error: RuleInvalid) -> Response:
    body = {"code": "rule_invalid", "detail": "The rule has problems.", "problems": error.as_json()}
    return Response(body, status=status.HTTP_400_BAD_REQUEST)


def _answer_invalid(error: ValidationError) -> Response:
    body = {"code": "invalid", "detail": " ".join(error.messages)}
    return Response(body, status=status.HTTP_400_BAD_REQUEST)


def _answer_bad_listing(error: ListingError) -> Response:
    return Response({"code": "invalid", "detail": str(error)}, status=status.HTTP_400_BAD_REQUEST)


def _answer_conflict(error: EditConflict) -> Response:
    return Response({"code": "conflict", "detail": str(error)}, status=status.HTTP_409_CONFLICT)


def _answer_too_expensive(error: TooExpensive) -> Response:
    return Response(error.as_json(), status=status.HTTP_400_BAD_REQUEST)


def _answer_in_use(error: SegmentInUse | ListInUse) -> Response:
    used_by = [{"id": each.pk, "name": each.name} for each in error.users]
    return Response({"code": "in_use", "detail": str(error), "used_by": used_by}, status=status.HTTP_409_CONFLICT)


def _answer_too_large(error: UploadTooLarge) -> Response:
    return Response({"code": error.code, "detail": str(error)}, status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)


def _answer_upload_invalid(error: UploadInvalid) -> Response:
    return Response({"code": error.code, "detail": str(error), "line": error.line}, status=status.HTTP_400_BAD_REQUEST)


def _answer_too_many_ids(error: TooManyIds) -> Response:
    body = {"code": error.code, "detail": str(error), "count": error.count, "limit": error.limit}
    return Response(body, status=status.HTTP_400_BAD_REQUEST)


_ANSWERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (NotReady, _answer_not_ready),
    (RuleInvalid, _answer_rule_invalid),
    (ValidationError, _answer_invalid),
    (ListingError, _answer_bad_listing),
    (EditConflict, _answer_conflict),
    (TooExpensive, _answer_too_expensive),
    (SegmentInUse, _answer_in_use),
    (ListInUse, _answer_in_use),
    (UploadTooLarge, _answer_too_large),
    (UploadInvalid, _answer_upload_invalid),
    (TooManyIds, _answer_too_many_ids),
)


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return answer(error)
    return exception_handler(error, context)
