"""Experiments in the administration: what is stored, what is refused, and what stays as it is after the first list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from cdp.mart.daily import create_statements
from cdp.mart.recommend import RECOMMEND_TABLES
from cdp.recommend.experiments import Arm as ServedArm
from cdp.recommend.experiments import read_experiments, read_periods
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.recommend.models import Experiment

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
ADD = "/admin/recommend/experiment/add/"


@pytest.fixture
def chief(db: None) -> Client:
    user = User.objects.create_user("chief", password="secret")
    user_set_role(user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def make_form(arms: tuple[tuple[str, str, str], ...], start_days: float = -1, days: float = 28, **changes: Any) -> dict[str, Any]:
    start = timezone.now() + timedelta(days=start_days)
    end = start + timedelta(days=days)
    form = {
        "key": "first", "name": "First", "place": "home", "metric": "ctr", "planned_effect": "20", "is_active": "on",
        "starts_at_0": f"{start:%Y-%m-%d}", "starts_at_1": f"{start:%H:%M:%S}",
        "ends_at_0": f"{end:%Y-%m-%d}", "ends_at_1": f"{end:%H:%M:%S}",
        "arms-TOTAL_FORMS": str(len(arms)), "arms-INITIAL_FORMS": "0",
    }  # fmt: skip
    for number, (name, serves, percent) in enumerate(arms):
        form |= {f"arms-{number}-name": name, f"arms-{number}-serves": serves, f"arms-{number}-percent": percent}
    return form | changes


ARMS = (("control", "popular", "50"), ("new", "champion", "12.5"))


def post(client: Client, form: dict[str, Any], address: str = ADD) -> list[str]:
    """The errors."""
    answer = client.post(address, form)
    return [] if answer.status_code == 302 else [str(error) for error in answer.context["errors"]]


def test_an_experiment_is_served_as_it_was_planned(chief: Client) -> None:
    assert post(chief, make_form(ARMS)) == []
    with connection.cursor() as cursor:
        (experiment,) = read_experiments(cursor, timezone.now())
        (period,) = read_periods(cursor, timezone.now() - timedelta(days=7), timezone.now())
        assert read_periods(cursor, timezone.now() - timedelta(days=9), timezone.now() - timedelta(days=2)) == []
    assert (experiment.key, experiment.place) == ("first", "home")
    assert experiment.arms == (ServedArm("control", "popular", 5_000), ServedArm("new", "champion", 1_250))
    assert (period.key, period.ends_at) == ("first", experiment.ends_at)
    assert Experiment.objects.get().created_by.username == "chief"


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (make_form(ARMS[:1]), "two arms"),
        (make_form((ARMS[0], ("new", "champion", "50.01"))), "100.01"),
        (make_form((ARMS[0], ("control", "champion", "10"))), "duplicate"),
        (make_form(ARMS, days=-1), "after it starts"),
        (make_form(ARMS, planned_effect="0"), "greater than or equal to 1"),
    ],
)
def test_a_wrong_plan_is_refused(chief: Client, form: dict[str, Any], word: str) -> None:
    assert any(word in error for error in post(chief, form))
    assert not Experiment.objects.exists()


def test_a_page_has_one_experiment_at_a_time(chief: Client) -> None:
    assert post(chief, make_form(ARMS)) == []
    assert post(chief, make_form(ARMS, key="second", name="Second", place="cart")) == []
    everywhere = {"key": "third", "name": "Third", "place": ""}
    assert any("First" in error or "Second" in error for error in post(chief, make_form(ARMS, **everywhere)))
    assert post(chief, make_form(ARMS, start_days=30, **everywhere)) == []
    assert post(chief, {name: text for name, text in make_form(ARMS, key="off").items() if name != "is_active"}) == []


def test_a_running_experiment_can_only_be_renamed_and_stopped(chief: Client) -> None:
    post(chief, make_form(ARMS))
    experiment = Experiment.objects.get()
    address = f"/admin/recommend/experiment/{experiment.pk}/change/"
    page = chief.get(address).content.decode()
    assert "12.5" in page
    assert 'name="key"' not in page
    changed = make_form((("control", "als", "50"), ("new", "als", "50")), key="other", name="Renamed", place="cart")
    changed |= {"arms-INITIAL_FORMS": "2"} | {f"arms-{n}-id": str(arm.pk) for n, arm in enumerate(experiment.arms.all())}
    changed |= {f"arms-{number}-experiment": str(experiment.pk) for number in range(2)}
    del changed["is_active"]
    assert post(chief, changed, address) == []
    experiment.refresh_from_db()
    assert (experiment.key, experiment.place, experiment.name, experiment.is_active) == ("first", "home", "Renamed", False)
    assert [arm.serves for arm in experiment.arms.all()] == ["popular", "champion"]
    assert not experiment.has_begun, "it was stopped before anybody saw a list"
    with connection.cursor() as cursor:
        for statement in create_statements(RECOMMEND_TABLES):
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO recommend.exposure SELECT 'e', now(), 'c', 'home', 'for-you', 'first', 'new', '', 'stored', '[]'"
        )
    assert experiment.has_begun
    assert chief.post(f"/admin/recommend/experiment/{experiment.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_page_says_how_many_customers_an_effect_needs(chief: Client) -> None:
    post(chief, make_form(ARMS))
    address = f"/admin/recommend/experiment/{Experiment.objects.get().pk}/change/"
    assert "Unknown until" in chief.get(address).content.decode()
    with connection.cursor() as cursor:
        for statement in create_statements(RECOMMEND_TABLES):
            cursor.execute(statement)
        for day in (1, 2):  # only the newer day counts
            cursor.execute(
                "INSERT INTO recommend.result_arm SELECT 'old', 'new', %s, 1000, 1000, 10000, 100000, 1000, 2000, 10000, 0, 0, 0",
                [f"2026-01-0{day}"],
            )
    # 2 x the variance of a customer's rate over (20 % of 10 % / (1.96 + 0.84))²: 2 x 0.01 x 7.849 / 0.0004 = 393.
    assert "About 393 in each arm" in chief.get(address).content.decode()
