from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp.metrics import GROUPS, METRICS, metrics_of
from cdp.metrics.groups import ACCOUNT
from cdp.settings import current
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.customers import customer_page
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.customers.models import SavedView
from cdp_web.customers.profiles import Profile, parse_profile
from cdp_web.segments import evaluate
from cdp_web.segments.refresh import segments_refresh
from cdp_web.segments.services import segment_create
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = json.dumps(factories.rule(factories.is_("total_purchase", "ge", 1)))
MAX_QUERIES = 23


def login(name: str, role: Role) -> Client:
    user = User.objects.create_user(name, password="secret")
    user_set_role(user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def make_rows() -> list[dict[str, Any]]:
    return [factories.buyer("512", value="1234.50", lifecycle="active"), factories.customer("600"), factories.customer("601")]


class TestList:
    def test_customers_with_their_numbers(self, publish: Any, site: Client, django_assert_max_num_queries: Any) -> None:
        publish(make_rows())
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = site.get("/customers/")
        page = answer.content.decode()
        assert 'href="/customers/512"' in page
        assert "$1,234.50" in page
        assert answer.context["page"].total == 3

    def test_a_rule_filters_the_list(self, publish: Any, site: Client, django_assert_max_num_queries: Any) -> None:
        publish(make_rows())
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = site.get("/customers/", {"rule": BUYERS})
        assert [row["customer_id"] for row in answer.context["page"].rows] == ["512"]
        assert [chip.sentence for chip in answer.context["chips"]] == ["Orders is at least 1"]
        assert "/segments/new?rule=" in answer.content.decode()

    def test_a_link_of_another_page_gives_its_count(self, publish: Any, site: Client) -> None:
        views = [factories.interaction(each, days_ago=2) for each in ("600", "601")]
        publish(make_rows(), interactions=[*views, factories.interaction("512", "purchase")])
        day = factories.DAY - timedelta(days=2)
        answer = site.get(link_to_customers(did_between("view", day, day, brand="samsung")))
        assert {row["customer_id"] for row in answer.context["page"].rows} == {"600", "601"}

    def test_a_menu_adds_a_condition(self, publish: Any, site: Client) -> None:
        publish(make_rows())
        added = {"q": "5", "rule": BUYERS, "add": "total_purchase_value", "operator": "ge", "value": "1234.50"}
        answer = site.get("/customers/", added, follow=True)
        assert [row["customer_id"] for row in answer.context["page"].rows] == ["512"]
        assert len(answer.context["chips"]) == 2
        assert answer.context["query"].search == "5"

    @pytest.mark.parametrize(
        "parameters",
        [
            {"sort": "secret"},
            {"after": "x"},
            {"cols": "secret"},
            {"rule": "{"},
            {"rule": '{"version": 1, "rule": {"segment": {"id": 99}}}'},
            {"add": "views", "operator": "ge", "value": "many"},
        ],
    )
    def test_an_invalid_address_is_a_bad_request(self, publish: Any, site: Client, parameters: dict[str, str]) -> None:
        publish(make_rows())
        assert site.get("/customers/", parameters).status_code == 400

    def test_a_rule_that_costs_too_much_is_explained(self, publish: Any, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(make_rows())
        monkeypatch.setattr(evaluate, "current", lambda: replace(current(), segment_max_rows=1))
        answer = site.get("/customers/", {"rule": BUYERS})
        assert answer.status_code == 400
        assert answer.context["error"].path == "rule.all[0]"

    def test_htmx_gets_only_the_results(self, publish: Any, site: Client) -> None:
        publish(make_rows())
        page = site.get("/customers/?q=5", headers={"HX-Request": "true"}).content.decode()
        assert page.strip().startswith('<div id="results"')

    def test_headings_sort_and_reverse_the_order(self, publish: Any, site: Client) -> None:
        publish(make_rows())
        page = site.get("/customers/?q=5&sort=-sessions").content.decode()
        assert 'href="?q=5&amp;sort=sessions"' in page
        assert 'href="?q=5&amp;sort=customer_id"' in page
        assert 'aria-sort="descending"' in page

    def test_an_id_is_text_and_never_markup(self, publish: Any, site: Client) -> None:
        publish([factories.customer("<b>/x?y")])
        page = site.get("/customers/").content.decode()
        assert "&lt;b&gt;/x?y" in page
        assert 'href="/customers/%3Cb%3E/x%3Fy"' in page

    def test_analysts_export_the_list(self, publish: Any, site: Client) -> None:
        publish(make_rows())
        answer = site.get("/customer-export", {"rule": BUYERS, "cols": "views", "format": "csv"})
        assert answer.getvalue().decode().split() == ["customer_id,views", "512,1"]  # type: ignore[attr-defined]
        assert answer["X-Export-Rows"] == "1"
        parquet = site.get("/customer-export", {"format": "parquet"})
        assert parquet.getvalue()[:4] == b"PAR1"  # type: ignore[attr-defined]
        assert site.get("/customer-export", {"format": "xls"}).status_code == 400
        assert login("vera", Role.VIEWER).get("/customer-export").status_code == 403


class TestSavedViews:
    def test_a_view_opens_the_list_as_it_was_saved(self, publish: Any, site: Client, marketer: User) -> None:
        publish(make_rows())
        parameters = {"rule": BUYERS, "cols": "views", "sort": "views"}
        listed = site.get("/customers/", parameters)
        site.post("/customer-views/new", {"name": " Buyers ", "parameters": listed.context["parameters"]})
        view = SavedView.objects.get()
        assert (view.name, view.owner, view.is_shared) == ("Buyers", marketer, False)
        opened = site.get(f"/customers/?{view.parameters}")
        assert opened.context["query"] == listed.context["query"]
        assert opened.context["views"] == [(view, True)]

    def test_names_are_unique_for_a_user_and_parameters_valid(self, publish: Any, site: Client) -> None:
        publish(make_rows())
        for name in ("Mine", "MINE", ""):
            site.post("/customer-views/new", {"name": name, "parameters": ""})
        assert [view.name for view in SavedView.objects.all()] == ["Mine"]
        assert site.post("/customer-views/new", {"name": "Wrong", "parameters": "sort=secret"}).status_code == 400

    def test_only_the_owner_and_administrators_change_a_view(self, publish: Any, site: Client, marketer: User) -> None:
        publish(make_rows())
        own = SavedView.objects.create(name="Own", owner=marketer)
        shared = SavedView.objects.create(name="Shared", owner=marketer, is_shared=True)
        other, admin = login("otto", Role.ANALYST), login("ada", Role.ADMIN)
        assert [view.name for view, _ in other.get("/customers/").context["views"]] == ["Shared"]
        assert other.post(f"/customer-views/{own.pk}/delete").status_code == 404
        assert other.post(f"/customer-views/{shared.pk}", {"name": "Taken"}).status_code == 403
        assert admin.post(f"/customer-views/{shared.pk}", {"name": "Checked", "is_shared": "1"}).status_code == 302
        shared.refresh_from_db()
        assert (shared.name, shared.is_shared) == ("Checked", True)
        assert site.post(f"/customer-views/{own.pk}/delete").status_code == 302
        assert not SavedView.objects.filter(pk=own.pk).exists()

    def test_viewers_open_views_but_save_none(self, publish: Any, marketer: User) -> None:
        publish(make_rows())
        SavedView.objects.create(name="Shared", owner=marketer, is_shared=True)
        vera = login("vera", Role.VIEWER)
        assert vera.get("/customer-views/").context["rows"][0][1] is False
        assert vera.post("/customer-views/new", {"name": "Mine"}).status_code == 403


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch) -> dict[str, Profile]:
    """The profiles that MongoDB has."""
    stored: dict[str, Profile] = {}
    monkeypatch.setattr(customer_page, "profile_get", lambda publication, customer_id: stored.get(customer_id))
    return stored


class TestCustomer:
    def test_a_picture_of_the_customer(
        self, publish: Any, site: Client, profiles: dict[str, Profile], django_assert_max_num_queries: Any
    ) -> None:
        row = factories.buyer("512", orders=2, value="10.00", lifecycle="returned", rfm_group="Cannot lose them")
        rows = [row, factories.buyer("7", value="5.00"), *(factories.customer(str(each)) for each in range(100, 118))]
        publication = publish(rows, interactions=[factories.interaction("512"), factories.interaction("512", "cart")])
        profiles["512"] = parse_profile(factories.profile(row, events=2), factories.DAY)
        buyers = segment_create(name="Buyers", rule=factories.rule(factories.is_("total_purchase", "ge", 1)))
        segment_create(name="Others", rule=factories.rule(factories.is_("total_purchase", "eq", 0)))
        list(segments_refresh(publication))
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = site.get("/customers/512")
        context, page = answer.context, answer.content.decode()
        assert context["metrics"]["total_purchase_value"] == Decimal("20.00")
        assert context["worth"].share_at_top == pytest.approx(0.05)
        assert context["headline"].key == "cart"
        assert [(stay.segment, stay.entered_day) for stay, _ in context["stays"]] == [(buyers, factories.DAY)]
        assert f'href="/segments/{buyers.pk}/explain?customer=512"' in page
        assert "electronics.<wbr>smartphone" in page
        assert [chart.key for chart in context["charts"]] == [
            "activity", "hours", "favourite-category", "favourite-brand", "favourite-product",
        ]  # fmt: skip
        assert site.get("/customers/512?csv=hours").content.decode().splitlines()[1] == "Saturday,12:00,2"

    def test_all_metrics_with_ranks(self, publish: Any, site: Client) -> None:
        rates = {"abandonment_rate": Decimal("0.125"), "mean_days_between_orders": Decimal("1.500000")}
        publish([factories.buyer("512", orders=2, value="10.00", **rates), factories.customer("7")])
        answer = site.get("/customers/512?part=metrics")
        rows = {row.metric.key: row for _, group in answer.context["groups"] for row in group}
        page = answer.content.decode()
        assert rows.keys() == {metric.key for metric in METRICS}
        assert (rows["total_purchase"].rank.less, rows["total_purchase"].rank.customers) == (1, 2)
        assert rows["lifecycle"].rank is None
        assert all(group.title in page for group in GROUPS)
        assert "12.5%" in page
        assert "1.5 days" in page

    def test_an_account_is_shown_only_if_there_is_one(self, publish: Any, site: Client) -> None:
        no_account = dict.fromkeys(metric.key for metric in metrics_of(ACCOUNT))
        account = no_account | {"city": "Huế", "marketing_consent": "no", "open_cart_value": Decimal("12.50")}
        publish([factories.customer("7", **no_account), factories.customer("8", **account)])
        groups = {customer: site.get(f"/customers/{customer}?part=metrics").context["groups"] for customer in ("7", "8")}
        assert ACCOUNT not in dict(groups["7"])
        assert {row.metric.key: row.value for row in dict(groups["8"])[ACCOUNT]} == account

    def test_an_unknown_id(self, publish: Any, site: Client, profiles: dict[str, Profile]) -> None:
        publish(make_rows())
        for address in ("/customers/zz", "/customers/zz?part=metrics"):
            answer = site.get(address)
            assert answer.status_code == 404
            assert "There is no customer with the ID “zz”." in answer.content.decode()

    def test_an_earlier_day(self, publish: Any, site: Client, profiles: dict[str, Profile]) -> None:
        """The row, ranks and activity are those of the older versions; events and segments are not shown."""
        earlier = factories.DAY - timedelta(days=3)
        publish([factories.buyer("512", value="10.00", first_seen=earlier)], 1, day=earlier)
        publish([factories.buyer("512", orders=3, value="10.00"), factories.customer("600")], 2)
        profiles["512"] = parse_profile(factories.profile(factories.buyer("512")), factories.DAY)
        answer = site.get(f"/customers/512?as_of={earlier}")
        assert answer.context["metrics"]["total_purchase_value"] == Decimal("10.00")
        assert answer.context["is_past"]
        assert "timeline" not in answer.context
        assert [each.day for each in site.get("/customers/512").context["past"]] == [earlier]
        assert site.get(f"/customers/600?as_of={earlier}").status_code == 404
        assert site.get(f"/customers/512?as_of={earlier - timedelta(days=1)}").status_code == 400
        assert site.get("/customers/512?as_of=yesterday").status_code == 400
