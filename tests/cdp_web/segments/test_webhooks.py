"""Webhooks against a real HTTP server on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from cdp.settings import current
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.celery import app
from cdp_web.outgoing import addresses
from cdp_web.outgoing import send as outgoing
from cdp_web.outgoing.send import LOG_DAYS, WAITS
from cdp_web.segments import runs
from cdp_web.segments.models import Membership, Segment, SegmentRun, Webhook, WebhookDelivery
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.segments.webhooks import send, services
from cdp_web.segments.webhooks.send import WEBHOOKS
from cdp_web.segments.webhooks.services import delivery_resend, webhook_create, webhook_update
from tests.cdp_web.factories import buyer, customer, is_, rule
from tests.cdp_web.outgoing.receiver import Receiver, is_signed, run_receiver

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))


@pytest.fixture
def marketer(marketer: User) -> User:
    """Webhooks are for admins."""
    user_set_role(user=marketer, role=Role.ADMIN)
    return User.objects.get(pk=marketer.pk)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def allow_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "current", lambda: replace(current(), webhook_private=True))


@pytest.fixture
def segment(publish: Any) -> Segment:
    """Buyers: 1 and 2, since the first run."""
    segment = segment_create(name="Käufer", rule=BUYERS)
    segment_run_now(segment=segment, publication=publish([buyer("1"), buyer("2"), customer("3")], 1))
    return segment


@pytest.fixture
def change(segment: Segment, publish: Any) -> Callable[[], SegmentRun]:
    """A run in which 3 enters and 2 leaves."""
    people = [buyer("1"), customer("2"), buyer("3", views=2)]
    return lambda: segment_run_now(segment=segment, publication=publish(people, 2))


def make_due(delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_try_at=timezone.now())


def try_once(delivery: WebhookDelivery) -> WebhookDelivery:
    make_due(delivery)
    WEBHOOKS.send(delivery.webhook_id)
    delivery.refresh_from_db()
    return delivery


def make_dead_deliveries(webhook: Webhook, run: SegmentRun, count: int) -> None:
    """Deliveries whose next try is the last one."""
    for part in range(2, count + 2):
        WebhookDelivery.objects.create(webhook=webhook, run=run, part=part, attempt=len(WAITS), next_try_at=timezone.now())


def test_a_run_sends_who_entered_and_left(receiver: Receiver, segment: Segment, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    run = change()
    assert WEBHOOKS.send(webhook.pk) is False
    (received,) = receiver.received
    assert received.message == {
        "type": "segment.changed",
        "segment": {"id": segment.pk, "name": "Käufer", "version": 1},
        "publication": 2,
        "day": "2019-11-30",
        "run": run.pk,
        "entered": [{"customer_id": "3", "reason": "data"}],
        "left": [{"customer_id": "2", "reason": "data"}],
        "part": 1,
        "parts": 1,
    }
    assert is_signed(received, webhook.secret)
    assert abs(int(received.headers["webhook-timestamp"]) - time.time()) < 30
    assert received.headers["host"] == receiver.url.split("/")[2]
    assert received.headers["content-type"] == "application/json"


def test_a_receiver_that_fails_twice_gets_the_same_message_a_third_time(
    receiver: Receiver, change: Callable[[], SegmentRun]
) -> None:
    receiver.statuses = [500, 302]
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    delivery = webhook.deliveries.get()
    for wait, status in zip(WAITS, (500, 302), strict=False):
        before = timezone.now()
        try_once(delivery)
        assert (delivery.status, delivery.response_status) == ("pending", status)
        assert delivery.next_try_at is not None
        assert wait <= delivery.next_try_at - before < wait + timedelta(seconds=8)
        WEBHOOKS.send(webhook.pk)  # too early: nothing happens
    try_once(delivery)
    assert (delivery.status, delivery.response_status, delivery.attempt, delivery.next_try_at) == ("sent", 200, 3, None)
    assert delivery.sent_at is not None
    assert delivery.response_body[:8] == "thankyou"
    assert len(delivery.response_body) <= 500
    assert len(receiver.received) == 3
    assert len({(each.body, each.headers["webhook-id"]) for each in receiver.received}) == 1
    assert all(is_signed(each, webhook.secret) for each in receiver.received)


def test_many_changes_come_in_parts(receiver: Receiver, segment: Segment, publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "PART_SIZE", 3)
    webhook = webhook_create(name="Shop", url=receiver.url)
    new = [buyer(str(number)) for number in range(10, 15)]
    segment_run_now(segment=segment, publication=publish([customer("1"), customer("2"), *new], 2))
    WEBHOOKS.send(webhook.pk)
    messages = [each.message for each in receiver.received]
    parts = [([e["customer_id"] for e in m["entered"]], [e["customer_id"] for e in m["left"]]) for m in messages]
    assert parts == [(["10", "11", "12"], []), (["13", "14"], ["1"]), ([], ["2"])]
    assert [(message["part"], message["parts"]) for message in messages] == [(1, 3), (2, 3), (3, 3)]


def test_later_runs_do_not_change_a_message_that_waits(
    receiver: Receiver, segment: Segment, change: Callable[[], SegmentRun], publish: Any
) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    segment_run_now(segment=segment, publication=publish([buyer("2"), customer("1"), customer("3")], 3))
    WEBHOOKS.send(webhook.pk)
    first, second = (each.message for each in receiver.received)
    assert [first[kind][0]["customer_id"] for kind in ("entered", "left")] == ["3", "2"]
    assert ([e["customer_id"] for e in second["entered"]], [e["customer_id"] for e in second["left"]]) == (["2"], ["1", "3"])


def test_only_webhooks_of_the_segment_that_are_on_get_a_delivery(segment: Segment, change: Callable[[], SegmentRun]) -> None:
    url = "http://127.0.0.1:9/"
    other = segment_create(name="Other", rule=BUYERS)
    off = webhook_create(name="Off", url=url)
    webhook_update(webhook=off, name="Off", url=url, segment_id=None, is_active=False)
    webhook_create(name="Foreign", url=url, segment_id=other.pk)
    chosen = [webhook_create(name="All", url=url), webhook_create(name="This", url=url, segment_id=segment.pk)]
    run = change()
    assert list(run.deliveries.order_by("pk").values_list("webhook_id", flat=True)) == [each.pk for each in chosen]


def test_a_run_without_changes_or_that_fails_sends_nothing(
    segment: Segment, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_create(name="Shop", url="http://127.0.0.1:9/")
    publication = publish([buyer("1"), buyer("2")], 2)
    assert segment_run_now(segment=segment, publication=publication).entered == 0

    def fail(*_: Any) -> None:
        raise ValueError("the last step fails")

    monkeypatch.setattr(runs, "_prune", fail)
    failed = segment_run_now(segment=segment, publication=publish([buyer("1")], 3))
    assert failed.status == "failed"
    assert not WebhookDelivery.objects.exists()


def test_a_receiver_that_is_away_is_asked_once_for_all_its_deliveries(change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
    run = change()
    WebhookDelivery.objects.create(webhook=webhook, run=run, part=2, next_try_at=timezone.now())
    WEBHOOKS.send(webhook.pk)
    first, second = webhook.deliveries.order_by("part")
    assert (first.attempt, second.attempt) == (1, 0)
    assert first.next_try_at == second.next_try_at
    assert first.response_status is None
    assert "127.0.0.1" in first.response_body


def test_an_address_that_has_become_private_is_not_called(
    receiver: Receiver, change: Callable[[], SegmentRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    monkeypatch.setattr(addresses, "current", current)
    WEBHOOKS.send(webhook.pk)
    delivery = webhook.deliveries.get()
    assert (delivery.status, delivery.attempt, receiver.received) == ("pending", 1, [])
    assert "CDP_WEBHOOK_PRIVATE=yes" in delivery.response_body


def test_five_dead_deliveries_in_a_row_switch_the_webhook_off(receiver: Receiver, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    run = change()
    receiver.statuses = [503] * 6
    webhook.deliveries.all().delete()
    make_dead_deliveries(webhook, run, 6)
    WEBHOOKS.send(webhook.pk)
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.failures) == (False, 5)
    assert "503" in webhook.disabled_reason
    assert sorted(webhook.deliveries.values_list("status", flat=True)) == ["dead"] * 5 + ["pending"]
    assert len(receiver.received) == 5
    assert WEBHOOKS.list_receivers() == []


def test_a_success_forgets_the_failures_before_it(receiver: Receiver, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    run = change()
    webhook.deliveries.all().delete()
    receiver.statuses = [503] * 4 + [200] + [503] * 4
    make_dead_deliveries(webhook, run, 9)
    WEBHOOKS.send(webhook.pk)
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.failures, webhook.disabled_reason) == (True, 4, "")


def test_a_webhook_that_is_switched_on_again_sends_what_waited(receiver: Receiver, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    Webhook.objects.filter(pk=webhook.pk).update(is_active=False, failures=5, disabled_reason="dead")
    assert WEBHOOKS.send(webhook.pk) is False
    assert receiver.received == []
    webhook.refresh_from_db()
    webhook_update(webhook=webhook, name="Shop", url=receiver.url, segment_id=None, is_active=True)
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.disabled_reason) == (0, "")
    WEBHOOKS.send(webhook.pk)
    assert len(receiver.received) == 1


def test_a_delivery_is_sent_again_by_hand_under_the_same_id(receiver: Receiver, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    WEBHOOKS.send(webhook.pk)
    delivery_resend(delivery=webhook.deliveries.get())
    WEBHOOKS.send(webhook.pk)
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


def test_a_delivery_of_a_webhook_that_is_off_is_not_sent_again(change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
    change()
    Webhook.objects.filter(pk=webhook.pk).update(is_active=False)
    with pytest.raises(ValidationError):
        delivery_resend(delivery=webhook.deliveries.get())


def test_a_task_that_has_sent_long_enough_leaves_the_rest(
    receiver: Receiver, change: Callable[[], SegmentRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    change()
    monkeypatch.setattr(outgoing, "SECONDS", -1.0)
    assert WEBHOOKS.send(webhook.pk) is True
    assert receiver.received == []


def test_a_commit_sends_the_tasks_and_a_broker_that_is_away_harms_no_run(
    change: Callable[[], SegmentRun],
    publish: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
    tasks: list[tuple[str, list[int], str]] = []
    monkeypatch.setattr(app, "send_task", lambda name, arguments, queue, expires: tasks.append((name, arguments, queue)))
    with django_capture_on_commit_callbacks(execute=True):
        run = change()
    assert tasks == [("segments.changes_send", [], "out"), ("segments.webhook_send", [webhook.pk], "out")]

    def fail(*_: Any, **__: Any) -> None:
        raise BrokerError("connection refused")

    monkeypatch.setattr(app, "send_task", fail)
    with django_capture_on_commit_callbacks(execute=True):
        last = segment_run_now(segment=run.segment, publication=publish([buyer("9")], 3))
    assert (last.status, last.entered, last.left) == ("done", 1, 2)


def test_the_log_is_kept_for_some_days(receiver: Receiver, change: Callable[[], SegmentRun]) -> None:
    webhook = webhook_create(name="Shop", url=receiver.url)
    run = change()
    WEBHOOKS.send(webhook.pk)
    waiting = WebhookDelivery.objects.create(webhook=webhook, run=run, part=2, next_try_at=timezone.now())
    assert WEBHOOKS.purge() == 0
    webhook.deliveries.update(created_at=timezone.now() - timedelta(days=LOG_DAYS + 1))
    assert WEBHOOKS.purge() == 1
    assert webhook.deliveries.get() == waiting


class TestPages:
    def test_the_secret_is_shown_once(self, site: Client, segment: Segment, marketer: User) -> None:
        form = {"name": "Shop", "url": "http://127.0.0.1:9/", "segment": str(segment.pk)}
        answer = site.post("/segments/webhooks", form)
        webhook = Webhook.objects.get()
        assert (answer.status_code, webhook.segment, webhook.created_by) == (201, segment, marketer)
        assert webhook.secret in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        for page in ("/segments/webhooks", f"/segments/webhooks/{webhook.pk}"):
            assert webhook.secret not in site.get(page).content.decode()

    def test_errors_come_back_with_what_was_typed(self, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(addresses, "current", current)
        answer = site.post("/segments/webhooks", {"name": "Shöp", "url": "http://127.0.0.1:9/"})
        assert (answer.status_code, list(answer.context["errors"])) == (400, ["url"])
        assert 'value="Shöp"' in answer.content.decode()
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize(("name", "segment"), [("", ""), ("Shop", "99"), ("Shop", "x"), ("n" * 121, "")])
    def test_a_wrong_name_or_segment_is_refused(self, site: Client, name: str, segment: str) -> None:
        form = {"name": name, "url": "http://127.0.0.1:9/", "segment": segment}
        assert site.post("/segments/webhooks", form).status_code == 400
        assert not Webhook.objects.exists()

    def test_the_log_shows_deliveries_and_sends_again(
        self, site: Client, receiver: Receiver, change: Callable[[], SegmentRun]
    ) -> None:
        webhook = webhook_create(name="Shop", url=receiver.url)
        change()
        WEBHOOKS.send(webhook.pk)
        delivery = webhook.deliveries.get()
        assert delivery.message_id in site.get(f"/segments/webhooks/{webhook.pk}").content.decode()
        site.post(f"/segments/webhooks/{webhook.pk}/deliveries/{delivery.pk}/resend")
        assert webhook.deliveries.get().status == "pending"

    def test_the_reason_of_a_disabled_webhook_is_visible(self, site: Client) -> None:
        webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
        Webhook.objects.update(is_active=False, disabled_reason="5 deliveries failed")
        for page in ("/segments/webhooks", f"/segments/webhooks/{webhook.pk}"):
            assert "5 deliveries failed" in site.get(page).content.decode()

    def test_switch_and_delete(self, site: Client) -> None:
        webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
        site.post(f"/segments/webhooks/{webhook.pk}/switch", {"active": "0"})
        assert Webhook.objects.get().disabled_reason == services.DISABLED_BY_HAND
        site.post(f"/segments/webhooks/{webhook.pk}/switch", {"active": "1"})
        assert Webhook.objects.get().is_active
        site.post(f"/segments/webhooks/{webhook.pk}/delete")
        assert not Webhook.objects.exists()


class TestApi:
    @pytest.fixture
    def api(self, marketer: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(marketer)
        return client

    def test_a_webhook_from_its_creation_to_its_end(self, api: APIClient, receiver: Receiver, change: Any) -> None:
        created = api.post("/api/v1/webhooks", {"name": "Shop", "url": receiver.url}, format="json")
        assert (created.status_code, created.json()["secret"][:6]) == (201, "whsec_")
        path = f"/api/v1/webhooks/{created.json()['id']}"
        assert "secret" not in api.get(path).json()
        assert [set(each) & {"secret", "name"} for each in api.get("/api/v1/webhooks").json()] == [{"name"}]
        change()
        WEBHOOKS.send(created.json()["id"])
        (delivery,) = api.get(f"{path}/deliveries").json()
        assert (delivery["status"], delivery["response_status"], delivery["attempt"]) == ("sent", 200, 1)
        again = api.post(f"{path}/deliveries/{delivery['id']}/resend")
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        changed = api.put(path, {"name": "New", "url": receiver.url, "is_active": False}, format="json").json()
        assert (changed["name"], changed["is_active"]) == ("New", False)
        assert api.post(f"{path}/deliveries/{delivery['id']}/resend").status_code == 400
        assert api.delete(path).status_code == 204
        assert api.get(path).status_code == 404

    def test_a_private_address_is_refused(self, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(addresses, "current", current)
        answer = api.post("/api/v1/webhooks", {"name": "Shop", "url": "http://127.0.0.1/"}, format="json")
        assert answer.status_code == 400
        assert "CDP_WEBHOOK_PRIVATE=yes" in answer.json()["detail"]


def test_memberships_are_the_only_copy_of_the_customers(change: Callable[[], SegmentRun]) -> None:
    """A delivery holds no ids: when a customer is erased from the memberships, no message names the customer any more."""
    webhook = webhook_create(name="Shop", url="http://127.0.0.1:9/")
    change()
    Membership.objects.filter(customer_id="3").delete()
    message = json.loads(send.build_body(webhook.deliveries.get()))
    assert (message["entered"], [each["customer_id"] for each in message["left"]]) == ([], ["2"])
