from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from cdp.rules import describe_behaviours
from cdp_web.segments.suggestions import FIELDS, values_suggest
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import buyer, customer, interaction

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
VALUES = "/api/v1/catalogue/values"


def read_values(site: Client, field: str, text: str = "") -> list[tuple[str, int]]:
    answer = site.get(VALUES, {"field": field, "q": text})
    assert answer.status_code == 200
    return [(each["value"], each["customers"]) for each in answer.json()["values"]]


def test_behaviours(site: Client) -> None:
    assert site.get("/api/v1/catalogue/behaviours").json() == describe_behaviours()


def test_values_by_customers_in_any_case(publish: Any, site: Client) -> None:
    people = [buyer("1", favourite_brand_by_views="LG"), customer("2", favourite_brand_by_views="LG"), customer("3")]
    rows = [
        interaction("1", brand="Samsung"), interaction("1", "cart", brand="Samsung"), interaction("2", brand="Samsung"),
        interaction("1", brand="sam"), interaction("3", brand=None), interaction("3", brand="50%_off", product_id="P1"),
    ]  # fmt: skip
    publish(people, interactions=rows)
    assert read_values(site, "brand", "SAM") == [("Samsung", 2), ("sam", 1)]
    assert read_values(site, "brand") == [("Samsung", 2), ("50%_off", 1), ("sam", 1)]
    assert read_values(site, "brand", "%_") == [("50%_off", 1)]
    assert read_values(site, "product_id", "p") == [("P1", 1)]
    assert read_values(site, "category_3") == []
    assert read_values(site, "favourite_brand_by_views") == [("LG", 2)]
    assert read_values(site, "lifecycle", "ne") == [("new", 3)]


def test_the_answer_names_its_publication(publish: Any, site: Client) -> None:
    publish([customer("1")])
    assert site.get(VALUES, {"field": "brand"}).json()["publication"]["id"] == 1


def test_at_most_twenty_values_of_the_most_customers(publish: Any, site: Client) -> None:
    people = [customer(f"{number:02}") for number in range(30)]
    rows = [interaction(person["customer_id"], brand=f"brand {n:02}") for n in range(30) for person in people[: n + 1]]
    publish(people, interactions=rows)
    assert read_values(site, "brand", "brand") == [(f"brand {n:02}", n + 1) for n in range(29, 9, -1)]


@pytest.mark.parametrize(
    "query", [{}, {"field": "price"}, {"field": "views"}, {"field": "brand' OR 1=1"}, {"field": "brand", "q": "x" * 201}]
)
def test_wrong_queries(publish: Any, site: Client, query: dict[str, str]) -> None:
    publish([customer("1")])
    assert site.get(VALUES, query).status_code == 400


def test_without_a_publication_there_is_nothing_to_suggest(site: Client) -> None:
    assert site.get(VALUES, {"field": "brand"}).status_code == 503


def test_every_field_has_suggestions_and_is_quick(publish: Any) -> None:
    publication = publish([customer("1")], interactions=[interaction("1", product_id=f"p{n}") for n in range(5_000)])
    snapshot = snapshot_open(publication)
    for field in FIELDS:
        started = time.monotonic()
        values_suggest(snapshot, field, "p1")
        assert time.monotonic() - started < 0.5
