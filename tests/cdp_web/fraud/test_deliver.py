"""Deliveries of alerts to a real HTTP server and a real mail server on this machine."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from cdp.settings import current
from cdp_web.celery import app
from cdp_web.fraud import deliver, tasks
from cdp_web.fraud.channels import ALERTS
from cdp_web.fraud.deliver import deliveries_create
from cdp_web.fraud.models import Channel, ChannelDelivery, FraudRule
from cdp_web.fraud.services import channel_save, delivery_resend, trial_message_send
from cdp_web.outgoing import addresses
from cdp_web.outgoing.mail import MailServer, parse_mail_url
from tests.cdp_web import factories
from tests.cdp_web.fraud.facts import PAYMENTS, make_alert
from tests.cdp_web.outgoing.receiver import Receiver, is_signed, run_receiver

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def tables(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.mart()
    monkeypatch.setattr(addresses, "current", lambda: replace(current(), webhook_private=True))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture
def rule() -> FraudRule:
    return FraudRule.objects.get(kind="amount")


def make_channel(kind: str = "webhook", url: str = "http://127.0.0.1:9/", **changes: Any) -> Channel:
    channel = Channel(name=kind, kind=kind, url=url, **changes)
    channel_save(channel=channel, user=None)
    return channel


def send(channel: Channel) -> None:
    """All that waits, whether it is due or not."""
    ChannelDelivery.objects.filter(status="pending").update(next_try_at=timezone.now())
    ALERTS.send(channel.pk)


def test_each_channel_gets_each_new_alert_once(rule: FraudRule) -> None:
    make_alert(rule.pk, "before the channel")
    everything, of_rule, off = (
        make_channel(),
        make_channel("slack", rule=rule),
        make_channel("discord", is_active=False),
    )
    other = FraudRule.objects.get(kind="frequency")
    first, second = make_alert(rule.pk, "1"), make_alert(other.pk, "2")
    assert deliveries_create() == 3
    assert deliveries_create() == 0
    third = make_alert(rule.pk, "3")
    assert deliveries_create() == 2
    found = {each: [d.alert_id for d in each.deliveries.order_by("alert_id")] for each in (everything, of_rule, off)}
    assert found == {everything: [first, second, third], of_rule: [first, third], off: []}


def test_many_alerts_come_in_parts(rule: FraudRule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MOST_ALERTS", 2)
    monkeypatch.setattr(deliver, "_NEW", deliver._NEW.replace("LIMIT 1000", "LIMIT 2"))
    channel = make_channel()
    ids = [make_alert(rule.pk, str(number)) for number in range(5)]
    assert [deliveries_create() for _ in range(4)] == [2, 2, 1, 0]
    assert [each.alert_id for each in channel.deliveries.order_by("alert_id")] == ids


def test_a_webhook_that_fails_twice_gets_the_same_signed_message(receiver: Receiver, rule: FraudRule) -> None:
    receiver.statuses = [500, 503]
    channel = make_channel(url=receiver.url)
    alert_id = make_alert(rule.pk)
    deliveries_create()
    for status in ("pending", "pending", "sent"):
        send(channel)
        assert channel.deliveries.get().status == status
    assert len({(each.body, each.headers["webhook-id"]) for each in receiver.received}) == 1
    assert all(is_signed(each, channel.secret) for each in receiver.received)
    message = receiver.received[0].message
    assert (message["type"], message["alert"], message["customer_id"]) == ("alert.found", alert_id, "77")
    assert message["rule"] == {"id": rule.pk, "name": "Large order", "kind": "amount", "amount": "5000.00"}
    assert [(each["order_id"], each["amount"]) for each in message["orders"]] == [("o1", "6000.50"), ("o2", "0.10")]


def test_slack_and_discord_get_their_shapes(receiver: Receiver, rule: FraudRule) -> None:
    FraudRule.objects.filter(pk=rule.pk).update(name="unused")
    channels = [make_channel(kind, receiver.url) for kind in ("slack", "discord")]
    alert_id = make_alert(rule.pk, rule={"name": "<!everyone> & co", "kind": "amount", "amount": "5000"}, payments=PAYMENTS)
    deliveries_create()
    for channel in channels:
        send(channel)
    slack, discord = (each.message for each in receiver.received)
    link = f"{current().web_url}/fraud/{alert_id}"
    assert slack["text"].splitlines()[0] == f"*<{link}|Alert: &lt;!everyone&gt; &amp; co>*"
    (embed,) = discord["embeds"]
    assert (embed["title"], embed["url"], discord["allowed_mentions"]) == ("Alert: <!everyone> & co", link, {"parse": []})
    assert "$6,000.60" in slack["text"]
    assert "$6,000.60" in embed["description"]


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs. Refuses the first message."""

    def handle(self) -> None:
        self.answer("220 ready")
        while line := self.rfile.readline():
            command = line[:4].upper()
            if command == b"DATA":
                self.read_message()
            else:
                self.answer("221 bye" if command == b"QUIT" else "250 ok")

    def read_message(self) -> None:
        self.answer("354 go on")
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line
        self.server.received.append(text)  # type: ignore[attr-defined]
        self.answer("451 try later" if len(self.server.received) == 1 else "250 taken")  # type: ignore[attr-defined]

    def answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail(settings: Settings) -> Iterator[list[bytes]]:
    # pytest-django has put one that sends nothing in its place.
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler)
    server.received = []  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.received  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_e_mail_goes_to_every_recipient_and_is_tried_again(mail: list[bytes], rule: FraudRule) -> None:
    channel = make_channel("email", recipients="ada@example.org bob@example.org")
    make_alert(rule.pk)
    deliveries_create()
    send(channel)
    delivery = channel.deliveries.get()
    assert (delivery.status, "try later" in delivery.response_body) == ("pending", True)
    send(channel)
    assert channel.deliveries.get().status == "sent"
    messages = [message_from_bytes(each) for each in mail]
    assert {(each["subject"], each["to"], each["x-cdp-message"]) for each in messages} == {
        ("Alert: Large order", "ada@example.org, bob@example.org", delivery.message_id)
    }
    assert "An order over $5,000.00." in messages[-1].get_payload()


def test_without_a_mail_server_the_log_says_so(settings: Settings, rule: FraudRule) -> None:
    settings.EMAIL_HOST = ""
    channel = make_channel("email", recipients="ada@example.org")
    make_alert(rule.pk)
    deliveries_create()
    send(channel)
    delivery = channel.deliveries.get()
    assert (delivery.status, "CDP_MAIL_URL" in delivery.response_body) == ("pending", True)


def test_a_test_message_and_a_second_sending(receiver: Receiver, rule: FraudRule) -> None:
    channel = make_channel(url=receiver.url)
    trial_message_send(channel=channel)
    send(channel)
    delivery_resend(delivery=channel.deliveries.get())
    send(channel)
    assert [each.message["type"] for each in receiver.received] == ["alert.test"] * 2
    Channel.objects.update(is_active=False)
    off = Channel.objects.get()
    with pytest.raises(ValidationError):
        trial_message_send(channel=off)
    with pytest.raises(ValidationError):
        delivery_resend(delivery=off.deliveries.get())


def test_alerts_of_the_time_in_which_a_channel_was_off_are_not_sent(rule: FraudRule) -> None:
    channel = make_channel()
    channel.is_active = False
    channel_save(channel=channel, user=None)
    make_alert(rule.pk, "1")
    channel.is_active = True
    channel_save(channel=channel, user=None)
    last = make_alert(rule.pk, "2")
    deliveries_create()
    assert [each.alert_id for each in channel.deliveries.all()] == [last]


def test_the_sweep_makes_deliveries_and_has_workers_send_them(rule: FraudRule, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        tasks.channel_send, "apply_async", lambda arguments, **options: sent.append((arguments, options["queue"]))
    )
    channel = make_channel()
    make_alert(rule.pk)
    app.tasks["fraud.alerts_sweep"]()
    assert sent == [([channel.pk], "out")]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://mail.example.org", MailServer("mail.example.org")),
        ("smtp+starttls://ada:p%40ss@mail.example.org", MailServer("mail.example.org", 587, "ada", "p@ss", "starttls")),
        ("smtps://mail.example.org:4465", MailServer("mail.example.org", 4465, security="tls")),
    ],
)
def test_the_address_of_a_mail_server(url: str, server: MailServer) -> None:
    assert parse_mail_url(url) == server
