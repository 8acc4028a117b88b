"""The requests of the benchmark `web`: their addresses exist, and their rules are valid."""

from __future__ import annotations

import json
from random import Random

import pytest
from django.urls import resolve

from benchmarks.web_mix import PREVIEW, ROUTES, Route, Things
from cdp.rules import check, decode

THINGS = Things(("512000000", "512000037"), (1, 2))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_address_exists(route: Route) -> None:
    request = route.ask(Random(1), THINGS)
    assert resolve(request.address).view_name != "api:unknown"
    assert (request.body is not None) == (request.address == PREVIEW)


def test_rules_of_the_list_are_valid() -> None:
    random = Random(2)
    (route,) = (route for route in ROUTES if route.name == "customers by a rule")
    documents = {route.ask(random, THINGS).query["rule"] for _ in range(20)}
    assert len(documents) > 5
    assert [check(decode(json.loads(document))) for document in documents] == [[]] * len(documents)
