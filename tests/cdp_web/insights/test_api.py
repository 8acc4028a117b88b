from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from cdp_web.serving.publications import Publication
from tests.cdp_web.insights.world import AS_OF, World, count_customers

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def test_products(api: APIClient, publication: Publication, world: World) -> None:
    answer = api.get("/api/v1/insights/products?tab=brands&period=all").json()
    first = min(row["day"] for row in world.tables["kpi_day"])
    revenue = sum(row["revenue"] for row in world.tables["kpi_day"])
    assert (answer["publication"]["id"], answer["period"]) == (1, {"first": str(first), "last": str(AS_OF)})
    assert Decimal(answer["revenue"]) == sum(Decimal(row["revenue"]) for row in answer["rows"]) == revenue
    best = answer["rows"][0]
    assert (
        count_customers(best["not_bought_link"], publication)
        == best["not_bought"]
        == best["viewers"] - round(best["purchase_rate"] * best["viewers"])
    )


def test_audience(api: APIClient, publication: Publication, world: World) -> None:
    answer = api.get("/api/v1/insights/audience").json()
    assert (answer["customers"], len(answer["grid"]), len(answer["groups"])) == (len(world.customers), 25, 11)
    assert sum(cell["customers"] for cell in answer["grid"]) == answer["buyers"]
    assert sum(flow["customers"] for flow in answer["flows"]["month"]) == answer["customers"]


def test_retention(api: APIClient, publication: Publication, world: World) -> None:
    answer = api.get("/api/v1/insights/retention?by=week&show=buyers").json()
    assert sum(cohort["size"] for cohort in answer["cohorts"]) == len(world.customers)
    cell = answer["cohorts"][0]["cells"][0]
    assert count_customers(cell["link"], publication) == cell["buyers"]
    assert sum(each["customers"] for each in answer["orders"]) == answer["buyers"]


@pytest.mark.parametrize("address", ["products?tab=shops", "products?period=5d", "retention?by=year"])
def test_invalid_parameters_are_named(api: APIClient, publication: Publication, address: str) -> None:
    answer = api.get(f"/api/v1/insights/{address}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
