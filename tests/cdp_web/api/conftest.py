"""Clients with a token, by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role


def make_client(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
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
