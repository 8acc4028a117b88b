"""The health response for probes: cheap, and without a login."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cdp_web.operations import services


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    problem = services.find_database_problem()
    if problem:
        return JsonResponse({"status": "failing", "problem": problem}, status=503)
    return JsonResponse({"status": "ok"})
