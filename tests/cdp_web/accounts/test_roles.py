"""Roles: what each may do on the site and in the API."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from cdp_web.accounts.roles import Requirement, Role, find_required_role, role_get
from cdp_web.accounts.services import user_set_role
from cdp_web.segments.models import Segment
from cdp_web.segments.services import segment_archive, segment_create
from tests.cdp_web.factories import is_, rule

needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]
BUYERS = rule(is_("total_purchase", "ge", 1))
migration = importlib.import_module("cdp_web.accounts.migrations.0001_roles")
MakeUser = Callable[[Role | None], User]


@pytest.mark.parametrize(
    ("method", "requirement", "role"),
    [
        ("GET", None, Role.VIEWER),
        ("OPTIONS", None, Role.VIEWER),
        ("POST", None, Role.ANALYST),
        ("DELETE", None, Role.ANALYST),
        ("GET", Role.ADMIN, Role.ADMIN),
        ("POST", Role.VIEWER, Role.VIEWER),
        ("GET", {"POST": Role.ADMIN}, Role.VIEWER),
        ("POST", {"POST": Role.ADMIN}, Role.ADMIN),
        ("PUT", {"POST": Role.ADMIN}, Role.ANALYST),
    ],
)
def test_required_role(method: str, requirement: Requirement, role: Role) -> None:
    assert find_required_role(method, requirement) is role


def test_a_later_role_includes_the_earlier_ones() -> None:
    included = {role: [other for other in Role if role.includes(other)] for role in Role}
    assert included == {
        Role.VIEWER: [Role.VIEWER],
        Role.ANALYST: [Role.VIEWER, Role.ANALYST],
        Role.ADMIN: [Role.VIEWER, Role.ANALYST, Role.ADMIN],
    }
    assert [role.may_change for role in Role] == [False, True, True]


@pytest.fixture
def make_user(db: None) -> MakeUser:
    def make_user(role: Role | None) -> User:
        user = User.objects.create_user(f"the {role}", password="secret")
        if role:
            user_set_role(user=user, role=role)
        return user

    return make_user


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestRoleOfAUser:
    pytestmark = needs_database

    def test_groups_are_made_by_the_migration(self) -> None:
        Group.objects.all().delete()
        migration.create_roles(apps, None)
        assert set(Group.objects.values_list("name", flat=True)) == set(Role)

    @pytest.mark.parametrize("role", Role)
    def test_group(self, make_user: MakeUser, role: Role) -> None:
        assert role_get(make_user(role)) is role

    def test_no_group_is_a_viewer(self, make_user: MakeUser) -> None:
        assert role_get(make_user(None)) is Role.VIEWER

    def test_other_groups_give_no_role(self, make_user: MakeUser) -> None:
        user = make_user(None)
        user.groups.add(Group.objects.create(name="marketing"))
        assert role_get(user) is Role.VIEWER

    def test_greatest_group_counts(self, make_user: MakeUser) -> None:
        user = make_user(Role.VIEWER)
        user.groups.add(Group.objects.get_or_create(name=Role.ANALYST)[0])
        assert role_get(user) is Role.ANALYST

    def test_superuser_is_an_admin(self) -> None:
        assert role_get(User.objects.create_superuser("chief", password="secret")) is Role.ADMIN

    def test_a_new_role_replaces_the_old_one(self, make_user: MakeUser) -> None:
        user = make_user(Role.ADMIN)
        user_set_role(user=user, role=Role.VIEWER)
        assert role_get(User.objects.get(pk=user.pk)) is Role.VIEWER

    def test_users_from_before_the_roles_become_analysts(self, make_user: MakeUser) -> None:
        before, viewer = make_user(None), make_user(Role.VIEWER)
        chief = User.objects.create_superuser("chief", password="secret")
        migration.create_roles(apps, None)
        assert role_get(User.objects.get(pk=before.pk)) is Role.ANALYST
        assert role_get(User.objects.get(pk=viewer.pk)) is Role.VIEWER
        assert not chief.groups.exists()


class TestSite:
    pytestmark = needs_database

    @pytest.mark.parametrize("page", ["new", "{}/edit", "{}/export/file"])
    def test_viewer_reads_but_neither_builds_nor_exports(self, make_user: MakeUser, page: str) -> None:
        client, segment = log_in(make_user(Role.VIEWER)), segment_create(name="Buyers", rule=BUYERS)
        answer = client.get(f"/segments/{page.format(segment.pk)}")
        assert answer.status_code == 403
        assert "role analyst" in answer.content.decode()
        assert client.get(f"/segments/{segment.pk}").status_code == 200
        assert client.get("/segments/").status_code == 200

    @pytest.mark.parametrize(("role", "shown"), [(Role.VIEWER, False), (Role.ANALYST, True), (Role.ADMIN, True)])
    def test_buttons(self, make_user: MakeUser, role: Role, shown: bool) -> None:
        client, segment = log_in(make_user(role)), segment_create(name="Buyers", rule=BUYERS)
        page = client.get(f"/segments/{segment.pk}").content.decode()
        for action in ("archive", "run", "edit"):
            assert (f'"/segments/{segment.pk}/{action}"' in page) is shown
        assert ('"/segments/new"' in client.get("/segments/").content.decode()) is shown
        segment_archive(segment=segment)
        assert (f'"/segments/{segment.pk}/restore"' in client.get(f"/segments/{segment.pk}").content.decode()) is shown

    def test_analyst_changes(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert site.post(f"/segments/{segment.pk}/archive").status_code == 302
        assert Segment.objects.get().archived_at is not None

    def test_viewer_logs_out(self, make_user: MakeUser) -> None:
        assert log_in(make_user(Role.VIEWER)).post("/accounts/logout").status_code == 302


class TestAdmin:
    pytestmark = needs_database

    @pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.ANALYST, 403), (Role.ADMIN, 200)])
    @pytest.mark.parametrize("page", ["", "auth/user/", "auth/user/add/", "segments/segment/", "accounts/apitoken/"])
    def test_pages(self, make_user: MakeUser, role: Role, status: int, page: str) -> None:
        assert log_in(make_user(role)).get(f"/admin/{page}").status_code == status

    def test_new_user_gets_the_chosen_role(self, make_user: MakeUser) -> None:
        password = "a-long-password-7"
        form = {"username": "bob", "role": "analyst", "usable_password": "true", "password1": password, "password2": password}
        assert log_in(make_user(Role.ADMIN)).post("/admin/auth/user/add/", form).status_code == 302
        assert role_get(User.objects.get(username="bob")) is Role.ANALYST

    def test_role_is_changed_in_the_form_of_the_user(self, make_user: MakeUser) -> None:
        user = make_user(Role.ADMIN)
        bob = User.objects.create_user("bob", password="secret")
        bob.groups.add(Group.objects.create(name="marketing"))
        form = {"username": "bob", "role": "analyst", "is_active": "on"}
        assert log_in(user).post(f"/admin/auth/user/{bob.pk}/change/", form).status_code == 302
        assert set(User.objects.get(pk=bob.pk).groups.values_list("name", flat=True)) == {"marketing", "analyst"}

    def test_staff_keeps_its_single_permissions(self, make_user: MakeUser) -> None:
        user = make_user(None)
        User.objects.filter(pk=user.pk).update(is_staff=True)
        client = log_in(user)
        assert client.get("/admin/").status_code == 200
        assert client.get("/admin/auth/user/").status_code == 403

    def test_inactive_admin_may_nothing(self, make_user: MakeUser) -> None:
        user = make_user(Role.ADMIN)
        user.is_active = False
        assert not user.has_perm("auth.change_user")

    def test_stranger_is_sent_to_the_login_of_the_site(self, client: Client) -> None:
        assert client.get("/admin/login/?next=/admin/auth/user/")["Location"] == "/accounts/login?next=/admin/auth/user/"


class TestApi:
    pytestmark = needs_database

    @pytest.mark.parametrize(
        ("requirement", "method", "statuses"),
        [
            (None, "get", [200, 200, 200]),
            (None, "post", [403, 200, 200]),
            (Role.ADMIN, "get", [403, 403, 200]),
            ({"POST": Role.ADMIN}, "post", [403, 403, 200]),
            (Role.VIEWER, "post", [200, 200, 200]),
        ],
    )
    def test_required_role_of_a_view(
        self, make_user: MakeUser, requirement: Requirement, method: str, statuses: list[int]
    ) -> None:
        class Door(APIView):
            required_role = requirement

            def get(self, request: Request) -> Response:
                return Response()

            post = get

        answers = []
        for role in Role:
            request = getattr(APIRequestFactory(), method)("/")
            force_authenticate(request, make_user(role))
            answers.append(Door.as_view()(request).status_code)
        assert answers == statuses

    def test_viewer_reads_and_previews(self, make_user: MakeUser, publish: Callable[..., object]) -> None:
        publish([])
        client, segment = APIClient(), segment_create(name="Buyers", rule=BUYERS)
        client.force_authenticate(make_user(Role.VIEWER))
        address = f"/api/v1/segments/{segment.pk}"
        assert client.get(address).status_code == 200
        assert client.post("/api/v1/segments/preview", {"rule": BUYERS}, format="json").status_code == 200
        refused = [
            client.post("/api/v1/segments", {"name": "New", "rule": BUYERS}, format="json"),
            client.put(address, {"name": "New", "rule": BUYERS, "version": 1}, format="json"),
            client.delete(address),
            client.post(f"{address}/run"),
            client.post(f"{address}/restore"),
            client.post(f"{address}/runs/{segment.runs.get().pk}/cancel"),
        ]
        assert {answer.status_code for answer in refused} == {403}
        assert list(Segment.objects.values_list("name", "archived_at")) == [("Buyers", None)]
