"""The pages that a list shows instead of customers: its address is invalid, or its rule needs too much time or memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from cdp_web.customers.listing import ListingError
from cdp_web.layout.pages import answer_bad_request
from cdp_web.segments.evaluate import TooExpensive
from cdp_web.segments.rules import RuleInvalid

View = Callable[..., HttpResponseBase]


def show_list_errors(view: View) -> View:
    """Decorator for a view that reads a list of customers."""

    @wraps(view)
    def show(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        try:
            return view(request, *arguments, **named)
        except (ListingError, RuleInvalid) as error:
            return answer_bad_request(request, str(error))
        except TooExpensive as error:
            context = {"error": error, "rule": request.GET.get("rule", "")}
            return render(request, "customers/too_expensive.html", context, status=400)

    return show
