"""Clients with a token, by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import token_create


def make_client(user: User) -> APIClient:
    client = APIClient()
    _, text = token_create(user=user, name="tests", days=7)
    client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    return client


@pytest.fixture
def api(marketer: User) -> APIClient:
    """The client of an analyst."""
    return make_client(marketer)


@pytest.fixture
def api_as(db: None) -> Callable[[Role], APIClient]:
    def build_client(role: Role) -> APIClient:
        user = User.objects.create_user(f"the {role}", password="secret")
        user_set_role(user=user, role=role)
        return make_client(user)

    return build_client
