"""The description of the API: every operation with its errors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer

from cdp_web.api import errors
from cdp_web.api.errors import ErrorSerializer

_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to log in: `Token`."}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
}


class ApiTokenScheme(KnoxTokenScheme):
    """Found by the package through this class's existence."""

    target_class = "cdp_web.api.authentication.ApiTokenAuthentication"
    name = "token"


class ApiSchema(AutoSchema):
    """Adds the errors that follow from method, path and parameters, and those that the view lists by method in `errors`."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        ordered = sorted(set(self._list_errors()), key=lambda each: (each.status, each.__name__))
        for status, group in groupby(ordered, key=lambda each: each.status):
            bodies[str(status)] = self._get_response_for_code(_combine(list(group)), str(status), direction=direction)
            if status in _HEADERS:
                bodies[str(status)]["headers"] = _HEADERS[status]
        return dict(sorted(bodies.items()))

    def _list_errors(self) -> Iterator[type[ErrorSerializer]]:
        yield from errors.EVERYWHERE
        if "{" in self.path:
            yield errors.NotFoundSerializer
        if self._get_request_body():
            yield from errors.WITH_BODY
        if any(parameter["in"] == "query" for parameter in self._get_parameters()):
            yield errors.InvalidSerializer
        yield from getattr(self.view, "errors", {}).get(self.method, ())


def _combine(kinds: list[type[ErrorSerializer]]) -> OpenApiResponse:
    """One body, or one of several, told apart by `code`."""
    about = " ".join(kind.about for kind in kinds)
    if len(kinds) == 1:
        return OpenApiResponse(kinds[0], about)
    name = "Or".join(kind.__name__.removesuffix("Serializer") for kind in kinds)
    return OpenApiResponse(PolymorphicProxySerializer(name, list(kinds), resource_type_field_name=None), about)
