"""The table of routes.py against the real addresses: each is requested by a stranger, a viewer, an analyst and an admin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pymongo.errors import PyMongoError
from pytest_django import Settings

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.customers import profiles
from tests.cdp_web.accounts.routes import ADMIN_OPEN, ADMIN_PREFIX, NOWHERE, OPEN, ROUTES, Access

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]
Visitors = dict[Role | None, Client]


def walk(resolver: URLResolver, names: tuple[str, ...] = (), path: str = "") -> Iterator[tuple[str, str]]:
    """Every address: its full name, and its path with placeholders."""
    for entry in resolver.url_patterns:
        here = path + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from walk(entry, (*names, entry.namespace) if entry.namespace else names, here)
        elif isinstance(entry, URLPattern):
            yield ":".join((*names, entry.name or "")), here


ADDRESSES = dict(walk(get_resolver()))
OWN = {name: path for name, path in ADDRESSES.items() if not name.startswith(ADMIN_PREFIX) and name not in NOWHERE}
OF_ADMIN = {name: path for name, path in ADDRESSES.items() if name.startswith(ADMIN_PREFIX) and name not in ADMIN_OPEN}


def test_every_address_has_a_row() -> None:
    missing = sorted(OWN.keys() - ROUTES.keys())
    rows = "\n".join(f'    "{name}": {{"GET": VIEWER}},  # /{OWN[name]}' for name in missing)
    assert not missing, f"Add who may use these addresses to tests/cdp_web/accounts/routes.py, by method:\n{rows}"


def test_every_row_has_an_address() -> None:
    assert sorted(ROUTES.keys() - OWN.keys()) == []


@pytest.fixture
def visitors(db: None, publish: Callable[..., object], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Visitors:
    """A client of each role, and one without a login. MongoDB is away, which takes seconds to find out."""
    monkeypatch.setattr(profiles, "_client", fail_to_connect)
    publish([])
    settings.API_RATES = dict.fromkeys(settings.API_RATES, "100000/s")
    visitors: Visitors = {None: Client(raise_request_exception=False)}
    for role in Role:
        user = User.objects.create_user(f"the {role}", password="secret")
        user_set_role(user=user, role=role)
        visitors[role] = Client(raise_request_exception=False)
        visitors[role].force_login(user)
    return visitors


def fail_to_connect(url: str) -> NoReturn:
    raise PyMongoError("MongoDB is away")


def fill_in(path: str) -> str:
    """An address with 1 in the place of numbers and names."""
    return "/" + re.sub(r"<[^>]*>", "1", path).replace("^", "").replace("$", "").replace("\\Z", "")


def request(client: Client, method: str, address: str) -> HttpResponse:
    """The answer; what the request changes is undone, in the database and in the client's cookies."""
    body: dict[str, Any] = {} if method == "GET" else {"data": "{}", "content_type": "application/json"}
    cookies, client.cookies = client.cookies, deepcopy(client.cookies)
    with transaction.atomic():
        answer: HttpResponse = getattr(client, method.lower())(address, **body)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def classify(answer: HttpResponse) -> str:
    """What became of the request: `allowed` is also the answer that an object is missing or a body is not valid."""
    if answer.status_code == 302 and answer["Location"].startswith(("/accounts/login?next=", "/admin/login/?next=")):
        return "login"
    if answer.status_code == 500:
        return "fault"
    return {401: "login", 403: "refused", 405: "no such method"}.get(answer.status_code, "allowed")


def expect(role: Role | None, least: Role | None) -> str:
    if least is OPEN:
        return "allowed"
    if role is None:
        return "login"
    return "allowed" if role.includes(least) else "refused"


def list_expected(access: Access) -> dict[tuple[str, str], str]:
    by_role = {(method, str(role)): expect(role, least) for method, least in access.items() for role in (None, *Role)}
    other = {(method, str(Role.ADMIN)): "no such method" for method in METHODS if method not in access}
    return by_role | other


class TestAccess:
    pytestmark = needs_database

    def test_addresses(self, visitors: Visitors) -> None:
        """One test for all: a fixture for each address would take longer than the requests."""
        clients = {str(role): client for role, client in visitors.items()}
        expected = {name: list_expected(ROUTES[name]) for name in OWN.keys() & ROUTES.keys()}
        outcomes = {
            (name, method, role): classify(request(clients[role], method, fill_in(OWN[name])))
            for name, cases in expected.items()
            for method, role in cases
        }
        wrong = {case: outcome for case, outcome in outcomes.items() if outcome != expected[case[0]][case[1:]]}
        assert wrong == {}

    def test_admin_is_for_admins(self, visitors: Visitors) -> None:
        assert len(OF_ADMIN) > 30
        expected = {None: "login", Role.VIEWER: "refused", Role.ANALYST: "refused"}
        for name, path in OF_ADMIN.items():
            outcomes = {role: classify(request(visitors[role], "GET", fill_in(path))) for role in expected}
            assert outcomes == expected, name

    def test_admin_opens_its_lists(self, visitors: Visitors) -> None:
        lists = [path for name, path in OF_ADMIN.items() if name.endswith(("_changelist", "_add", ":index"))]
        assert len(lists) > 10
        outcomes = {path: request(visitors[Role.ADMIN], "GET", fill_in(path)).status_code for path in lists}
        assert set(outcomes.values()) <= {200, 403}, outcomes  # 403: nothing is added there by hand
        assert {status for path, status in outcomes.items() if not path.endswith("add/")} == {200}
