from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework.test import APIClient

from cdp_web.api import customers
from cdp_web.customers.profiles import parse_profile
from cdp_web.segments.models import Segment
from cdp_web.segments.runs import segment_run_execute
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import DAY, buyer, customer, is_, kpi_day, profile, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
OTHERS = rule(is_("total_purchase", "eq", 0))
PEOPLE = [buyer("2", value="12.50"), customer("1"), buyer("10", value="7.00")]
PUBLICATION = {"id": 1, "day": "2019-11-30", "published_at": "2019-12-01T03:20:00Z"}


def test_the_api_needs_a_login() -> None:
    answer = APIClient().get("/api/v1/customers")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


def test_a_session_needs_the_csrf_token_to_change_something(marketer: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(marketer)
    answer = client.post("/api/v1/segments", {"name": "Buyers", "rule": BUYERS}, format="json")
    assert answer.status_code == 403
    assert not Segment.objects.exists()


def test_schema_describes_everything_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_docs_page_is_ours_and_keeps_to_the_policy(marketer: User) -> None:
    client = APIClient()
    client.force_login(marketer)
    page = client.get("/api/docs").content.decode()
    assert "<style" not in page
    assert 'src="/api/docs?script=' in page


def test_catalogue(api: APIClient) -> None:
    entries = {entry["key"]: entry for entry in api.get("/api/v1/catalogue").json()}
    assert "active" in entries["lifecycle"]["choices"]
    assert "ge" in {operator["key"] for operator in entries["total_purchase"]["operators"]}


def test_overview(api: APIClient, publish: Any) -> None:
    publish([])
    kpi_day(DAY - timedelta(days=6))
    kpi_day(DAY, sessions=10, sessions_with_purchase=1, orders=2, gross_revenue="22.00", revenue="19.90")
    answer = api.get("/api/v1/overview?from=2019-11-24").json()
    assert answer["publication"] == PUBLICATION
    values = {kpi["key"]: kpi["value"] for kpi in answer["kpis"]}
    money = ("revenue", "gross_revenue", "refunds", "average_order")
    assert [values[key] for key in money] == ["19.90", "22.00", "2.10", "11.00"]
    assert (answer["is_comparable"], len(answer["series"]["day"])) == (False, 7)
    assert answer["before"] is None
    assert api.get("/api/v1/overview?period=8d").status_code == 400


def test_customer_list(api: APIClient, publish: Any) -> None:
    publish(PEOPLE)
    answer = api.get("/api/v1/customers?sort=-total_purchase_value").json()
    assert (answer["publication"], answer["total"], answer["next"]) == (PUBLICATION, 3, None)
    assert [row["customer_id"] for row in answer["customers"]] == ["2", "10", "1"]
    assert answer["customers"][0]["total_purchase_value"] == "12.50"
    for parameters in ("sort=secret", "columns=secret", "after=x", "rule={", "limit=1001"):
        answer = api.get(f"/api/v1/customers?{parameters}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_customer_list_by_rule_and_columns(api: APIClient, publish: Any) -> None:
    publish(PEOPLE)
    answer = api.get("/api/v1/customers", {"rule": json.dumps(BUYERS), "columns": "views,items", "sort": "customer_id"}).json()
    numbers = {"views": 1, "items": 1, "name": None}
    assert answer["customers"] == [{**numbers, "customer_id": "10"}, {**numbers, "customer_id": "2"}]
    answer = api.get("/api/v1/customers", {"rule": json.dumps(rule(is_("views", "ge")))})
    assert (answer.json()["code"], answer.json()["problems"][0]["path"]) == ("rule_invalid", "rule.all[0].metric.value")


def test_customer_detail(api: APIClient, publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(PEOPLE)
    profiles = {"2": parse_profile(profile(PEOPLE[0], events=1), DAY)}
    monkeypatch.setattr(customers, "profile_get", lambda publication, customer_id: profiles.get(customer_id))
    segment = segment_create(name="Buyers", rule=BUYERS)
    segment_run_execute(run_id=segment.runs.get().pk)
    answer = api.get("/api/v1/customers/2").json()
    assert answer["metrics"]["total_purchase_value"] == "12.50"
    assert answer["recent"][0]["price"] == "130.76"
    assert answer["segments"] == [{"id": segment.pk, "name": "Buyers"}]
    assert api.get("/api/v1/customers/3").status_code == 404


def test_segment_from_creation_to_members(api: APIClient, publish: Any, marketer: User) -> None:
    publish(PEOPLE)
    answer = api.post("/api/v1/segments", {"name": "Buyers", "rule": BUYERS}, format="json")
    assert answer.status_code == 201
    segment = answer.json()
    assert (segment["version"], segment["owner"], segment["sentence"]) == (1, "alice", "orders is at least 1")
    address = f"/api/v1/segments/{segment['id']}"
    assert api.get(f"{address}/members").status_code == 404
    run = api.post(f"{address}/run")
    assert (run.status_code, run.json()["status"]) == (202, "queued")
    segment_run_execute(run_id=run.json()["id"])
    answer = api.get(f"{address}/members").json()
    assert (answer["run"]["count"], answer["run"]["publication_id"], answer["next"]) == (2, 1, None)
    assert [row["customer_id"] for row in answer["members"]] == ["10", "2"]
    assert [entry["status"] for entry in api.get(f"{address}/runs").json()["runs"]] == ["done"]
    assert api.get(f"{address}/members?limit=0").status_code == 400
    assert api.get("/api/v1/segments").json()["segments"][0]["current_run"]["count"] == 2


def test_change_needs_the_version_that_was_read(api: APIClient) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    address, body = f"/api/v1/segments/{segment.pk}", {"name": "Others", "rule": OTHERS, "version": 1}
    changed = api.put(address, body, format="json")
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    again = api.put(address, body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_delete_archives(api: APIClient) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert api.delete(f"/api/v1/segments/{segment.pk}").status_code == 204
    assert api.get("/api/v1/segments").json() == {"segments": [], "next": None}
    assert [entry["id"] for entry in api.get("/api/v1/segments?archived=true").json()["segments"]] == [segment.pk]


@pytest.mark.parametrize("address", ["/api/v1/segments", "/api/v1/segments/preview"])
def test_problems_of_a_rule_name_their_paths(api: APIClient, publish: Any, address: str) -> None:
    publish(PEOPLE)
    answer = api.post(address, {"name": "Wrong", "rule": rule(is_("views", "ge"))}, format="json")
    assert answer.status_code == 400
    assert [problem["path"] for problem in answer.json()["problems"]] == ["rule.all[0].metric.value"]


def test_duplicate_name(api: APIClient) -> None:
    segment_create(name="Buyers", rule=BUYERS)
    answer = api.post("/api/v1/segments", {"name": "BUYERS", "rule": OTHERS}, format="json")
    assert answer.status_code == 400
    assert "this name already exists" in answer.json()["detail"]


def test_preview(api: APIClient, publish: Any) -> None:
    publish(PEOPLE)
    segment = segment_create(name="Buyers", rule=BUYERS)
    answer = api.post("/api/v1/segments/preview", {"rule": BUYERS}, format="json").json()
    assert (answer["publication"], answer["count"], answer["total"]) == (PUBLICATION, 2, 3)
    assert answer["nodes"] == [{"path": path, "count": 2, "in_place": 2} for path in ("rule", "rule.all[0]")]
    assert {row["url"] for row in answer["sample"]} == {"/customers/2", "/customers/10"}
    assert answer["same_as"] == [{"id": segment.pk, "name": "Buyers", "url": f"/segments/{segment.pk}"}]
    own = api.post("/api/v1/segments/preview", {"rule": BUYERS, "segment": segment.pk}, format="json").json()
    assert own["same_as"] == []


def test_a_request_without_valid_json_is_refused(api: APIClient) -> None:
    answer = api.post("/api/v1/segments/preview", "{", content_type="application/json")
    assert answer.status_code == 400
