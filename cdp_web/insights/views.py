"""The pages of the reports."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    return redirect("overview:index")


@require_safe
def audience(request: HttpRequest) -> HttpResponse:
    return redirect("overview:index")


@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    return redirect("overview:index")
