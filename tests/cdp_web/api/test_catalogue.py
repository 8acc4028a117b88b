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


def test_the_value_itself_comes_before_more_frequent_ones(publish: Any, site: Client) -> None:
    people = [customer("1"), customer("2")]
    publish(
        people, interactions=[interaction(key, brand=brand) for key, brand in [("1", "lg"), ("1", "lg pro"), ("2", "lg pro")]]
    )
    assert read_values(site, "brand", "lg") == [("lg", 1), ("lg pro", 2)]


def test_the_tree_of_categories(publish: Any, site: Client) -> None:
    rows = [
        interaction("1"), interaction("2", category_2="audio", category_3="headphone"), interaction("2", category_1="kids"),
        interaction("3", category_1=None, category_2=None), interaction("1", category_1="kids", category_2=None),
        interaction("3", category_1="kids", category_2=None),
    ]  # fmt: skip
    publish([customer("1"), customer("2"), customer("3")], interactions=rows)
    answer = site.get("/api/v1/catalogue/categories").json()["categories"]
    assert [("/".join(each["path"]), each["customers"]) for each in answer] == [
        ("kids", 3), ("kids/smartphone", 1), ("electronics", 2), ("electronics/audio", 1), ("electronics/audio/headphone", 1),
        ("electronics/smartphone", 1),
    ]  # fmt: skip


def test_distribution_of_a_count_and_of_money(publish: Any, site: Client) -> None:
    publish([customer("0", views=0, avg_purchase_value=None), *(buyer(str(n), views=n % 3, value="12.50") for n in range(1, 7))])
    views = site.get("/api/v1/catalogue/distribution", {"field": "views"}).json()
    assert [(each["start"], each["end"], each["customers"]) for each in views["bins"]] == [
        ("0", "1", 3), ("1", "2", 2), ("2", None, 2),
    ]  # fmt: skip
    money = site.get("/api/v1/catalogue/distribution", {"field": "avg_purchase_value"}).json()
    assert (money["customers"], money["missing"], money["median"]) == (6, 1, "12.50")
    assert [each["customers"] for each in money["bins"]] == [6]
    assert site.get("/api/v1/catalogue/distribution", {"field": "lifecycle"}).status_code == 400


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
