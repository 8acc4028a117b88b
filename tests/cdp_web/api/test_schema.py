"""Every operation of the API is called with input that its description allows, and with input that it does not: there is no
fault, and no answer that the description lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from pytest_django import Settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import token_create
from cdp_web.api import customers
from cdp_web.customers.profiles import parse_profile
from cdp_web.segments.lists import list_create
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from cdp_web.wsgi import application
from tests.cdp_web import factories
from tests.examples import limit_examples

pytestmark = [pytest.mark.stack("postgres", "redis"), pytest.mark.django_db]
SCHEMA = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
SCHEMA.app = application
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = limit_examples(20)


@pytest.fixture(autouse=True)
def keep_connection() -> Iterator[None]:
    """Requests leave the connection of the test's transaction open, as Django's own test client arranges."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def shop(
    publish: Callable[..., Any], recommend: Callable[..., None], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A published shop with a segment that has run, and a list: the addresses with the id 1 may exist."""
    rows = factories.shop(20)
    profile = parse_profile(factories.profile(rows[0]), factories.DAY)
    monkeypatch.setattr(customers, "profile_get", lambda publication, customer_id: profile if customer_id else None)
    settings.API_RATES = dict.fromkeys(settings.API_RATES, "100000/s")
    publication = publish(rows)
    recommend({rows[0]["customer_id"]: [("p1", "home.tea"), ("p2", None)]})
    factories.history(10)
    factories.night_run(1, begun_at=datetime(2019, 12, 1, 3, tzinfo=UTC))
    segment = segment_create(name="Buyers", rule=factories.rule(factories.is_("total_purchase", "ge", 1)))
    segment_run_now(segment=segment, publication=publication)
    list_create(name="Guests", upload=read_items(["1", "2"]))


@pytest.fixture
def headers(shop: None) -> dict[str, str]:
    user = User.objects.create_user("admin")
    user_set_role(user=user, role=Role.ADMIN)
    return {"Authorization": f"Token {token_create(user=user, name='tests', days=7)[1]}"}


def build_strategy(operation: str) -> SearchStrategy[Case]:
    """Valid and invalid input; an operation without input has no invalid one."""
    described = OPERATIONS[operation]
    valid = described.as_strategy()
    has_input = described.body or described.query or described.path_parameters
    return valid | described.as_strategy(generation_mode=GenerationMode.NEGATIVE) if has_input else valid


def call_with_examples(operation: str, headers: dict[str, str], examples: int) -> None:
    """Call the operation with generated input; what the calls change is undone."""

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=build_strategy(operation))
    def call(case: Case) -> None:
        with transaction.atomic():
            case.call_and_validate(headers=headers, checks=CHECKS)
            transaction.set_rollback(True)

    call()


def list_failures(headers: dict[str, str], examples: int) -> dict[str, str]:
    """All operations in one test: a published shop for each would take longer than the calls."""
    failures = {}
    for operation in OPERATIONS:
        try:
            call_with_examples(operation, headers, examples)
        except FailureGroup as group:
            failures[operation] = "\n".join(str(error) for error in group.exceptions)
    return failures


def test_operations_as_admin(headers: dict[str, str]) -> None:
    assert len(OPERATIONS) > 40
    assert list_failures(headers, EXAMPLES) == {}


def test_operations_without_a_login(shop: None) -> None:
    assert list_failures({}, 1) == {}
