"""Errors as JSON; errors.py describes the bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from cdp_web.api.parsers import BodyTooLarge
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
    body: dict[str, Any] = {"code": "invalid", "detail": " ".join(error.messages)}
    if hasattr(error, "error_dict"):
        body["fields"] = {key: texts for key, texts in error.message_dict.items() if key != NON_FIELD_ERRORS}
    return Response(body, status=status.HTTP_400_BAD_REQUEST)


def _answer_bad_request(error: ListingError | SuspiciousOperation) -> Response:
    return Response({"code": "invalid", "detail": str(error)}, status=status.HTTP_400_BAD_REQUEST)


def _answer_conflict(error: EditConflict) -> Response:
    return Response({"code": "conflict", "detail": str(error)}, status=status.HTTP_409_CONFLICT)


def _answer_too_expensive(error: TooExpensive) -> Response:
    return Response(error.as_json(), status=status.HTTP_400_BAD_REQUEST)


def _answer_in_use(error: SegmentInUse | ListInUse) -> Response:
    used_by = [{"id": each.pk, "name": each.name} for each in error.users]
    return Response({"code": "in_use", "detail": str(error), "used_by": used_by}, status=status.HTTP_409_CONFLICT)


def _answer_too_large(error: RequestDataTooBig) -> Response:
    return Response({"code": BodyTooLarge.default_code, "detail": str(error)}, status=BodyTooLarge.status_code)


def _answer_upload_too_large(error: UploadTooLarge) -> Response:
    return Response({"code": error.code, "detail": str(error)}, status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)


def _answer_upload_invalid(error: UploadInvalid) -> Response:
    return Response({"code": error.code, "detail": str(error), "line": error.line}, status=status.HTTP_400_BAD_REQUEST)


def _answer_too_many_ids(error: TooManyIds) -> Response:
    body = {"code": error.code, "detail": str(error), "count": error.count, "limit": error.limit}
    return Response(body, status=status.HTTP_400_BAD_REQUEST)


#: The first that fits.
_ANSWERS: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
    (NotReady, _answer_not_ready),
    (RuleInvalid, _answer_rule_invalid),
    (ValidationError, _answer_invalid),
    (ListingError, _answer_bad_request),
    (EditConflict, _answer_conflict),
    (TooExpensive, _answer_too_expensive),
    (SegmentInUse, _answer_in_use),
    (RequestDataTooBig, _answer_too_large),
    (SuspiciousOperation, _answer_bad_request),
    (ListInUse, _answer_in_use),
    (UploadTooLarge, _answer_upload_too_large),
    (UploadInvalid, _answer_upload_invalid),
    (TooManyIds, _answer_too_many_ids),
)


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return answer(error)
    response = exception_handler(error, context)
    if response is not None:
        response.data = _unify_body(response.data, response.status_code)
    return response


@csrf_exempt
def answer_unknown_path(request: HttpRequest, path: str) -> JsonResponse:
    """For every method, with or without a login: nothing is there."""
    return JsonResponse({"code": "not_found", "detail": f"There is nothing at {request.path}; see /api/docs."}, status=404)


answer_unknown_path.login_required = False  # type: ignore[attr-defined]


def _unify_body(data: Any, status_code: int) -> dict[str, Any]:
    """REST framework's own bodies with code and detail; those of serializers have the problems by field, at any depth."""
    if isinstance(data, dict) and set(data) == {"detail"} and isinstance(data["detail"], exceptions.ErrorDetail):
        return {"code": _find_code(data["detail"], status_code), "detail": str(data["detail"])}
    problems = list(_walk_problems(data, ""))
    fields: dict[str, list[str]] = {}
    for path, says in problems:
        fields.setdefault(path, []).append(says)
    detail = " ".join(f"{path}: {says}" if path else says for path, says in problems)
    return {"code": "invalid", "detail": detail, "fields": fields}


def _find_code(detail: exceptions.ErrorDetail, status_code: int) -> str:
    """REST framework's code, except that a missing object always has the same."""
    return "not_found" if status_code == status.HTTP_404_NOT_FOUND else detail.code


def _walk_problems(data: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _walk_problems(value, path if key == "non_field_errors" else f"{path}.{key}".lstrip("."))
    elif isinstance(data, list):
        for value in data:
            yield from _walk_problems(value, path)
    else:
        yield path, str(data)
