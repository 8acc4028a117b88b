"""Names from the shop's tables, with and without the tables and the permission."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from pytest_django import DjangoAssertNumQueries

from cdp_web.accounts.roles import Role, may_see_personal_data
from cdp_web.accounts.services import user_set_role
from cdp_web.names.people import Person, people_get
from cdp_web.names.selectors import category_names_get, product_names_get
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
PEOPLE = {"1": ("Ada Byron", "ada@example.org"), "2": ("Bo Li", "bo@example.org")}


def make_user(role: Role) -> User:
    user = User.objects.create_user(f"the {role}", password="secret")
    user_set_role(user=user, role=role)
    return User.objects.get(pk=user.pk)


def test_a_shop_without_a_database_has_no_names(marketer: User) -> None:
    assert product_names_get(["1"]) == category_names_get(["a.b"]) == people_get(marketer, ["1"]) == {}


def test_products(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.shop_names(products={"1": "Phone", "2": "Lamp", "3": ""})
    product_names_get(["1"])
    with django_assert_num_queries(1):
        names = product_names_get(["1", "2", "2", "3", "4", None])
    assert names == {"1": "Phone", "2": "Lamp"}


def test_a_category_has_the_names_of_its_levels() -> None:
    factories.shop_names(categories={"home": "Home & garden", "home.living_room.sofa": "Sofas", "toys": "Toys"})
    names = category_names_get(["home", "home.living_room", "home.living_room.sofa", None])
    assert names == {"home": "Home & garden", "home.living_room.sofa": "Home & garden › living room › Sofas"}


def test_people_need_the_permission() -> None:
    factories.shop_names(people=PEOPLE)
    outcomes = {role: people_get(make_user(role), ["2", "3"]) for role in Role}
    bo = {"2": Person("Bo Li", "bo@example.org")}
    assert outcomes == {Role.VIEWER: {}, Role.ANALYST: bo, Role.ADMIN: bo}


def test_an_administrator_takes_the_permission_from_a_role() -> None:
    Group.objects.get(name=Role.ANALYST).permissions.clear()
    assert not may_see_personal_data(make_user(Role.ANALYST))


def test_the_migration_gives_the_permission_to_analysts() -> None:
    Group.objects.get(name=Role.ANALYST).permissions.clear()
    importlib.import_module("cdp_web.accounts.migrations.0004_personal_data").give_to_analysts(apps, None)
    assert may_see_personal_data(make_user(Role.ANALYST))
