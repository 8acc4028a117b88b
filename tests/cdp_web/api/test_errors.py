"""Every operation describes its errors, and real errors look as described."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from cdp.rules.cost import LeafCost
from cdp_web.accounts.roles import Role
from cdp_web.api import overview, preview
from cdp_web.api.exceptions import answer_error
from cdp_web.api.parsers import MAX_BODY_BYTES
from cdp_web.segments.evaluate import TooExpensive
from cdp_web.segments.runs import segment_run_execute
from cdp_web.segments.services import segment_create
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.snapshot_query import QueryTooSlow
from tests.cdp_web.factories import buyer, is_, rule

BUYERS = rule(is_("total_purchase", "ge", 1))
SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def find_body_schema(operation: str, status: int) -> dict[str, Any]:
    return OPERATIONS[operation][2]["responses"][str(status)]["content"]["application/json"]["schema"]


def resolve(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of objects behind a reference or a choice."""
    if "$ref" in schema:
        return resolve(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return [each for choice in schema["oneOf"] for each in resolve(choice)] if "oneOf" in schema else [schema]


def list_codes(operation: str, status: int) -> set[str]:
    codes: set[str] = set()
    for body in resolve(find_body_schema(operation, status)):
        code = body["properties"]["code"]
        codes.update(resolve(code["allOf"][0] if "allOf" in code else code)[0]["enum"])
    return codes


def validate(answer: Any, operation: str) -> None:
    """The body is as the operation describes it for this status."""
    schema = find_body_schema(operation, answer.status_code) | {"components": SCHEMA["components"]}
    Draft202012Validator(schema).validate(answer.json())


class TestDescription:
    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_every_operation_lists_its_errors(self, operation: str) -> None:
        path, _, described = OPERATIONS[operation]
        required = {"401", "403", "429", "500", "503"}
        required |= {"404"} if "{" in path else set()
        required |= {"400", "413", "415"} if "requestBody" in described else set()
        required |= {"400"} if any(each["in"] == "query" for each in described.get("parameters", [])) else set()
        assert required <= described["responses"].keys()
        for status in described["responses"].keys() - {"200", "201", "202", "204"}:
            assert described["responses"][status]["description"]
            for body in resolve(find_body_schema(operation, int(status))):
                assert {"code", "detail"} <= set(body["required"])
                assert list_codes(operation, int(status))

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_throttling_names_the_wait(self, operation: str) -> None:
        assert OPERATIONS[operation][2]["responses"]["429"]["headers"]["Retry-After"]["schema"] == {"type": "integer"}

    @pytest.mark.parametrize(
        ("operation", "status", "codes"),
        [
            ("segment_preview", 400, {"invalid", "parse_error", "rule_invalid", "too_expensive"}),
            ("segment_create", 400, {"invalid", "parse_error", "rule_invalid"}),
            ("segment_update", 409, {"conflict"}),
            ("segment_archive", 409, {"in_use"}),
            ("segment_run_cancel", 409, {"conflict"}),
            ("segment_restore", 400, {"invalid", "parse_error"}),
        ],
    )
    def test_codes_of_one_status(self, operation: str, status: int, codes: set[str]) -> None:
        assert list_codes(operation, status) == codes


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(RequestDataTooBig("too big"), 413, "too_large"), (SuspiciousOperation("too many files"), 400, "invalid")],
)
def test_limits_of_django(error: Exception, status: int, code: str) -> None:
    """Forms with files reach them."""
    answer = answer_error(error, {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"]) == (status, code)


class TestAnswers:
    pytestmark = needs_database

    @pytest.mark.parametrize("operation", [each for each in OPERATIONS if each != "schema"])
    def test_no_token(self, operation: str) -> None:
        path, method, _ = OPERATIONS[operation]
        answer = getattr(APIClient(), method)(fill_in(path))
        assert (answer.status_code, answer.json()["code"], answer["WWW-Authenticate"]) == (401, "not_authenticated", "Token")
        validate(answer, operation)

    def test_wrong_token(self) -> None:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION="Token wrong")
        answer = client.get("/api/v1/segments")
        assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
        validate(answer, "segment_list")

    def test_session_without_csrf_token(self, marketer: User) -> None:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(marketer)
        answer = client.post("/api/v1/segments", {"name": "Buyers", "rule": BUYERS}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        validate(answer, "segment_create")

    @pytest.mark.parametrize("operation", [each for each, (path, _, _) in OPERATIONS.items() if "segment_id" in path])
    def test_missing_segment(self, api: APIClient, operation: str) -> None:
        path, method, _ = OPERATIONS[operation]
        body = {"name": "Buyers", "rule": BUYERS, "version": 1}
        answer = getattr(api, method)(fill_in(path), **({"data": body, "format": "json"} if method == "put" else {}))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        validate(answer, operation)

    def test_missing_run(self, api: APIClient) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        answer = api.get(f"/api/v1/segments/{segment.pk}/runs/9")
        assert answer.status_code == 404
        validate(answer, "segment_run_detail")

    @pytest.mark.parametrize(
        ("operation", "body", "code"),
        [
            ("segment_create", {"name": "Wrong", "rule": rule(is_("views", "ge"))}, "rule_invalid"),
            ("segment_preview", {"rule": rule(is_("views", "ge"))}, "rule_invalid"),
            ("segment_create", {"name": "", "rule": BUYERS}, "invalid"),
            ("segment_create", {}, "invalid"),
            ("segment_create", "{", "parse_error"),
            ("segment_preview", "[]", "invalid"),
        ],
    )
    def test_wrong_body(self, api: APIClient, publish: Any, operation: str, body: Any, code: str) -> None:
        publish([])
        text = body if isinstance(body, str) else json.dumps(body)
        answer = api.post(OPERATIONS[operation][0], text, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        validate(answer, operation)

    def test_fields_of_a_wrong_body(self, api: APIClient) -> None:
        answer = api.post("/api/v1/segments", {"name": ""}, format="json")
        assert answer.json()["fields"].keys() == {"name", "rule"}

    @pytest.mark.parametrize(
        ("operation", "query"),
        [
            ("segment_list", "limit=0"),
            ("segment_list", "after=x"),
            ("segment_list", f"after={10**30}"),
            ("segment_list", "archived=maybe"),
            ("customer_list", "sort=secret"),
            ("overview", "period=8d"),
        ],
    )
    def test_wrong_query(self, api: APIClient, publish: Any, operation: str, query: str) -> None:
        publish([])
        answer = api.get(f"{OPERATIONS[operation][0]}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        validate(answer, operation)

    def test_duplicate_name(self, api: APIClient) -> None:
        segment_create(name="Buyers", rule=BUYERS)
        answer = api.post("/api/v1/segments", {"name": "BUYERS", "rule": BUYERS}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        validate(answer, "segment_create")

    def test_conflict(self, api: APIClient) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        body = {"name": "Buyers", "rule": BUYERS, "version": 7}
        answer = api.put(f"/api/v1/segments/{segment.pk}", body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        validate(answer, "segment_update")

    def test_segment_in_use(self, api: APIClient) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        user = segment_create(name="Others", rule=rule({"not": {"segment": {"id": segment.pk}}}))
        answer = api.delete(f"/api/v1/segments/{segment.pk}")
        assert (answer.status_code, answer.json()["used_by"]) == (409, [{"id": user.pk, "name": "Others"}])
        validate(answer, "segment_archive")

    def test_cancelling_a_run_that_has_ended(self, api: APIClient, publish: Any) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        run = segment_run_execute(run_id=segment.runs.get().pk)
        answer = api.post(f"/api/v1/segments/{segment.pk}/runs/{run.pk}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        validate(answer, "segment_run_cancel")

    def test_rule_over_budget(self, api: APIClient, publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        publish([])

        def refuse(*arguments: object, **options: object) -> NoReturn:
            raise TooExpensive("It would read too much.", LeafCost("rule.all[0]", 10**9, "Shorten the window."))

        monkeypatch.setattr(preview, "segment_preview", refuse)
        answer = api.post("/api/v1/segments/preview", {"rule": BUYERS}, format="json")
        assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (400, "too_expensive", "rule.all[0]")
        assert answer.json()["remedy"]
        validate(answer, "segment_preview")

    def test_large_body(self, api: APIClient) -> None:
        answer = api.post("/api/v1/segments/preview", b" " * (MAX_BODY_BYTES + 1), content_type="application/json")
        assert answer.status_code == 413
        validate(answer, "segment_preview")

    @pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_other_media_type(self, api: APIClient, media_type: str) -> None:
        answer = api.post("/api/v1/segments/preview", "rule=1", content_type=media_type)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        validate(answer, "segment_preview")

    def test_nothing_published(self, api: APIClient) -> None:
        answer = api.get("/api/v1/overview")
        assert (answer.status_code, answer.json()["code"]) == (503, "nothing_published")
        validate(answer, "overview")

    @pytest.mark.parametrize("error", [SnapshotUnavailable("HDFS is down."), QueryTooSlow("It takes too long.")])
    def test_store_that_is_down(
        self, api: APIClient, publish: Any, monkeypatch: pytest.MonkeyPatch, error: SnapshotUnavailable
    ) -> None:
        publish([])
        monkeypatch.setattr(preview, "snapshot_open", make_raiser(error))
        answer = api.post("/api/v1/segments/preview", {"rule": BUYERS}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (503, error.code)
        validate(answer, "segment_preview")

    def test_fault_of_ours(self, marketer: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(overview, "list_catalogue", make_raiser(RuntimeError("the secret")))
        client = Client(raise_request_exception=False)
        client.force_login(marketer)
        with caplog.at_level(logging.ERROR):
            answer = client.get("/api/v1/catalogue")
        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert "the secret" not in answer.content.decode()
        assert "the secret" in caplog.text
        validate(answer, "catalogue")

    @pytest.mark.parametrize("path", ["", "v1", "v1/", "v1/nowhere", "v1/segments/", "v1/segments/x", "v2/segments", "v1/%00"])
    @pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
    def test_unknown_path(self, client: Client, path: str, method: str) -> None:
        answer = getattr(client, method)(f"/api/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("put", "v1/segments"), ("patch", "v1/segments/1"), ("get", "v1/segments/preview"), ("post", "v1/nights")],
    )
    def test_other_method(self, api: APIClient, method: str, path: str) -> None:
        answer = getattr(api, method)(f"/api/{path}")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer["Allow"]

    def test_refused_role(self, api_as: Callable[[Role], APIClient]) -> None:
        answer = api_as(Role.VIEWER).post("/api/v1/segments", {"name": "Buyers", "rule": BUYERS}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        validate(answer, "segment_create")


def fill_in(path: str) -> str:
    """An address of an object that does not exist."""
    return re.sub(r"\{\w+\}", "999999", path)


def make_raiser(error: Exception) -> Callable[..., NoReturn]:
    def fail(*arguments: object, **options: object) -> NoReturn:
        raise error

    return fail
