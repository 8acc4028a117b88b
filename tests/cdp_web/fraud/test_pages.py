"""The pages of alerts, and rules and channels in the administration."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.fraud import alerts as selectors
from cdp_web.fraud import views
from cdp_web.fraud.alerts import alerts_count_open
from cdp_web.fraud.models import AlertState, Channel, FraudRule
from tests.cdp_web.factories import buyer
from tests.cdp_web.fraud.facts import PAYMENTS, make_alert
from tests.cdp_web.fraud.shop import Shop, make_shop, write_orders

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def rule(publish: Any) -> FraudRule:
    publish([buyer("77")])
    return FraudRule.objects.get(kind="amount")


@pytest.fixture
def chief(db: None) -> Client:
    user = User.objects.create_user("chief", password="secret")
    user_set_role(user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, **parameters: Any) -> list[int]:
    return [alert.id for alert in client.get("/fraud/", parameters).context["alerts"]]


def test_filters(site: Client, rule: FraudRule) -> None:
    first, second = make_alert(rule.pk, "1"), make_alert(rule.pk, "2", customer_id="88")
    other = make_alert(FraudRule.objects.get(kind="frequency").pk, "3")
    AlertState.objects.create(alert_id=second, status="dismissed")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE live.alert SET found_at = %s WHERE alert_id = %s", [timezone.now() - timedelta(days=3), first])
    assert listed(site) == [other, first]
    assert listed(site, state="dismissed") == [second]
    assert listed(site, state="all") == [other, second, first]
    assert listed(site, state="all", customer="88") == [second]
    assert listed(site, rule=rule.pk) == [first]
    assert listed(site, days=1) == [other]
    for wrong in ({"state": "x"}, {"rule": "x"}, {"days": "-1"}, {"before": "²"}):
        assert site.get("/fraud/", wrong).status_code == 400


def test_pages_follow_each_other(site: Client, rule: FraudRule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    monkeypatch.setattr(selectors, "PAGE_SIZE", 2)
    ids = [make_alert(rule.pk, str(number)) for number in range(5)]
    address, found = "/fraud/", []
    while address:
        page = site.get(address).context
        found += [alert.id for alert in page["alerts"]]
        address = page["older"]
    assert found == ids[::-1]


def test_an_alert_shows_its_evidence(site: Client, rule: FraudRule) -> None:
    alert_id = make_alert(rule.pk, payments=PAYMENTS, signed_up_at="2026-02-28T10:00:00+00:00")
    answer = site.get(f"/fraud/{alert_id}")
    assert answer.context["alert"].evidence.sentence == "An order over $5,000.00"
    text = answer.content.decode()
    for part in ("o1", "$6,000.50", "$6,000.60", "1005115", "card declined", "28 Feb 2026", 'href="/customers/77"'):
        assert part in text, part
    assert site.get("/fraud/999999").status_code == 404


def test_an_analyst_decides_and_reopens_and_the_log_says_who(site: Client, rule: FraudRule, marketer: User) -> None:
    alert_id = make_alert(rule.pk)
    assert alerts_count_open() == 1
    site.post(f"/fraud/{alert_id}/decide", {"state": "confirmed", "note": " stolen card "})
    state = AlertState.objects.get()
    assert (state.status, state.note, state.changed_by) == ("confirmed", "stolen card", marketer)
    assert alerts_count_open() == 0
    site.post(f"/fraud/{alert_id}/decide", {"state": "open"})
    assert alerts_count_open() == 1
    changes = [e.changes_dict.get("status") for e in LogEntry.objects.get_for_object(state).order_by("pk")]
    assert changes == [["None", "confirmed"], ["confirmed", "open"]]
    site.post(f"/fraud/{alert_id}/decide", {"state": "burnt"})
    assert AlertState.objects.get().status == "open"


def test_many_are_dismissed_at_once(site: Client, rule: FraudRule) -> None:
    ids = [make_alert(rule.pk, str(number)) for number in range(3)]
    here = "/fraud/?state=open&days=7"
    answer = site.post("/fraud/decide", {"alert": [*ids[:2], "999", "x"], "state": "dismissed", "note": "test", "here": here})
    assert answer["Location"] == here
    assert sorted(AlertState.objects.values_list("alert_id", "status", "note")) == [
        (each, "dismissed", "test") for each in ids[:2]
    ]
    for foreign in ("https://evil.example/fraud/", "//evil.example/fraud/"):
        assert site.post("/fraud/decide", {"alert": ids[2], "state": "open", "here": foreign})["Location"] == "/fraud/"


def test_a_viewer_sees_and_does_not_decide(rule: FraudRule) -> None:
    client, alert_id = Client(), make_alert(rule.pk)
    client.force_login(User.objects.create_user("vera"))
    assert listed(client) == [alert_id]
    assert 'name="state" value="dismissed"' not in client.get(f"/fraud/{alert_id}").content.decode()
    assert client.post(f"/fraud/{alert_id}/decide", {"state": "dismissed"}).status_code == 403


def test_the_file_has_the_filtered_alerts(site: Client, rule: FraudRule) -> None:
    make_alert(rule.pk, "1", customer_id="=1+1")
    make_alert(rule.pk, "2", customer_id="88")
    found = list(csv.DictReader(io.StringIO(site.get("/fraud/export?state=open&customer=%3D1%2B1").content.decode())))
    assert [(row["customer_id"], row["amount"], row["orders"], row["state"]) for row in found] == [
        ("'=1+1", "6000.60", "o1 o2", "open")
    ]


def test_the_badge_and_the_customers_page_count_open_alerts(site: Client, rule: FraudRule) -> None:
    make_alert(rule.pk, "1")
    dismissed = make_alert(rule.pk, "2")
    AlertState.objects.create(alert_id=dismissed, status="dismissed")
    assert [alerts_count_open("77"), alerts_count_open("88"), alerts_count_open()] == [1, 0, 1]
    assert '<span class="badge" title="Open alerts">1</span>' in site.get("/fraud/").content.decode()


def test_before_the_streams_have_run_the_page_says_so(site: Client, publish: Any) -> None:
    publish([])
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE live.progress")
    answer = site.get("/fraud/")
    assert (answer.status_code, answer.context["has_run"]) == (200, False)


class TestAdministration:
    ADD = "/admin/fraud/fraudrule/add/"
    FORM = {"name": "Big", "amount": "250.50", "is_active": "on"}

    def test_a_rule_from_its_kind_to_its_change(self, chief: Client, db: None) -> None:
        assert [kind.key for kind, *_ in chief.get(self.ADD).context["kinds"]] == [
            "frequency", "amount", "repeated_basket", "shared_basket", "failed_payments", "new_account",
        ]  # fmt: skip
        answer = chief.post(f"{self.ADD}?kind=amount", self.FORM)
        assert answer.status_code == 302, answer.context["errors"]
        rule = FraudRule.objects.get(name="Big")
        assert (rule.kind, rule.parameters, rule.changed_by.username) == ("amount", {"amount": "250.50"}, "chief")
        since = rule.active_since
        address = f"/admin/fraud/fraudrule/{rule.pk}/change/"
        assert 'value="250.50"' in chief.get(address).content.decode()
        chief.post(address, self.FORM | {"name": "Bigger"})
        rule.refresh_from_db()
        assert (rule.name, rule.active_since) == ("Bigger", since)
        chief.post(address, self.FORM | {"amount": "300"})
        rule.refresh_from_db()
        assert (rule.parameters, rule.active_since > since) == ({"amount": "300"}, True)

    @pytest.mark.parametrize(
        "values", [{"amount": "-1"}, {"amount": "NaN"}, {"amount": ""}, {"name": ""}, {"name": "Many orders"}]
    )
    def test_wrong_values_are_refused(self, chief: Client, values: dict[str, str]) -> None:
        answer = chief.post(f"{self.ADD}?kind=amount", self.FORM | values)
        assert (answer.status_code, bool(answer.context["errors"])) == (200, True)
        assert not FraudRule.objects.filter(name="Big").exists()

    def test_rules_are_switched_for_all(self, chief: Client, db: None) -> None:
        before = FraudRule.objects.get(kind="amount").active_since
        ids = list(FraudRule.objects.values_list("pk", flat=True))
        for action, is_active in (("switch_off", False), ("switch_on", True)):
            chief.post("/admin/fraud/fraudrule/", {"action": action, "_selected_action": ids})
            assert set(FraudRule.objects.values_list("is_active", flat=True)) == {is_active}
        assert FraudRule.objects.get(kind="amount").active_since > before

    def test_a_trial_shows_what_would_have_been_found_and_saves_nothing(self, chief: Client, rule: FraudRule) -> None:
        shop, now = make_shop(3, orders=200), timezone.now()
        orders = [order for order in shop.orders if order.amount > 100]
        late = [type(order)(order.order_id, order.customer_id, now, order.amount, order.products) for order in orders]
        with connection.cursor() as cursor:
            write_orders(cursor, [*late, *Shop().orders], now)
        answer = chief.post("/admin/fraud/fraudrule/try/", {"kind": "amount", "amount": "100"})
        report = answer.context["report"]
        assert (report.trial.count, len(report.lines)) == (len(late), 50)
        assert [(bar.day, bar.count) for bar in report.bars if bar.count] == [(now.date(), len(late))]
        assert not selectors.alerts_count_open()
        wrong = chief.post("/admin/fraud/fraudrule/try/", {"kind": "amount", "amount": "x"})
        assert [label for label, _ in wrong.context["errors"]] == ["Amount over"]

    def test_a_trial_of_a_rule_that_needs_the_shop_says_so(self, chief: Client, rule: FraudRule) -> None:
        answer = chief.post("/admin/fraud/fraudrule/try/", {"kind": "failed_payments", "payments": "3", "minutes": "60"})
        assert "./run connect" in answer.context["report"].missing

    def test_the_secret_of_a_webhook_is_shown_once(self, chief: Client, rule: FraudRule) -> None:
        form = {"name": "Desk", "kind": "webhook", "url": "https://8.8.8.8/hook", "is_active": "on"}
        answer = chief.post("/admin/fraud/channel/add/", form, follow=True)
        channel = Channel.objects.get()
        assert channel.secret in answer.content.decode()
        assert channel.secret not in chief.get(f"/admin/fraud/channel/{channel.pk}/change/").content.decode()

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({"kind": "webhook", "url": "http://127.0.0.1/"}, "url"),
            ({"kind": "slack", "url": ""}, "url"),
            ({"kind": "email", "recipients": ""}, "recipients"),
            ({"kind": "email", "recipients": "ada@example.org, bob"}, "recipients"),
        ],
    )
    def test_channels_that_can_reach_nobody_are_refused(self, chief: Client, form: dict[str, str], field: str) -> None:
        answer = chief.post("/admin/fraud/channel/add/", {"name": "Desk", "is_active": "on"} | form)
        assert list(answer.context["adminform"].form.errors) == [field]
        assert not Channel.objects.exists()
