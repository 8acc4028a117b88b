"""The address of the customers that a rule describes: how a number on a page leads to the people behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def link_to_customers(rule: Mapping[str, Any]) -> str:
    """`rule` is a node as docs/segments.md describes, without the version around it."""
    document = {"version": 1, "rule": rule}
    return f"{reverse('customers:list')}?{urlencode({'rule': json.dumps(document, separators=(',', ':'))})}"


def did_between(event: str, first: date, last: date, **where: str | int) -> dict[str, Any]:
    """The node for customers with an event of this type ("any" for all) in these days; `where` has values of its fields."""
    filters = [{"field": field, "operator": "eq", "value": value} for field, value in where.items()]
    window = {"between": [first.isoformat(), last.isoformat()]}
    return {"behaviour": {"event": event, "did": True, "where": filters, "window": window}}
