"""What each kind of channel gets: the message of an alert, in English, without names or e-mail addresses of customers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import translation

from cdp.settings import current
from cdp_web.fraud.alerts import Alert, alert_get
from cdp_web.fraud.models import Channel, ChannelDelivery
from cdp_web.fraud.services import mail_is_configured
from cdp_web.layout import formats
from cdp_web.outgoing.mail import send_mail
from cdp_web.outgoing.post import Answer, NoAnswer, post
from cdp_web.outgoing.send import Outbox
from cdp_web.outgoing.signing import make_headers

NO_MAIL = "E-mail is not configured: set CDP_MAIL_URL and start the site and its workers again."
_JSON = {"content-type": "application/json", "user-agent": "cdp-alerts/1"}
_RED = 0xC0392B


@dataclass(frozen=True, slots=True)
class Message:
    """What people read, and what programs read."""

    title: str
    lines: tuple[str, ...]
    link: str
    data: dict[str, Any]

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, self.link))


def build_message(delivery: ChannelDelivery) -> Message:
    """Raises NoAnswer if the alert can't be read."""
    if delivery.alert_id is None:
        link = f"{current().web_url}{reverse('fraud:alerts')}"
        title = f"Test message for the channel {delivery.channel.name}"
        return Message(title, ("New alerts are sent here.",), link, {"type": "alert.test", "link": link})
    alert = alert_get(delivery.alert_id)
    if alert is None:
        raise NoAnswer(f"There is no alert {delivery.alert_id} any more.")
    with translation.override("en"):
        return _describe(alert)


def _describe(alert: Alert) -> Message:
    link = f"{current().web_url}{reverse('fraud:alert', args=[alert.id])}"
    evidence = alert.evidence
    lines = [f"{evidence.sentence}.", f"Customer {alert.customer_id}, {formats.moment(alert.happened_at)}"]
    if evidence.orders:
        lines.append(f"Orders: {formats.count(len(evidence.orders))}, together {formats.money(evidence.amount)}")
    if evidence.payments:
        lines.append(f"Failed payments: {formats.count(len(evidence.payments))}")
    data = {
        "type": "alert.found", "alert": alert.id, "link": link, "rule": {"id": alert.rule_id, **evidence.rule},
        "customer_id": alert.customer_id, "happened_at": alert.happened_at.isoformat(), "found_at": alert.found_at.isoformat(),
        "orders": [
            {"order_id": each.order_id, "customer_id": each.customer_id, "at": each.at.isoformat(), "amount": str(each.amount)}
            for each in evidence.orders
        ],
        "payments": [
            {"payment_id": each.payment_id, "order_id": each.order_id, "at": each.at.isoformat()}
            for each in evidence.payments
        ],
    }  # fmt: skip
    return Message(f"Alert: {alert.rule_name}", tuple(lines), link, data)


def _post_webhook(delivery: ChannelDelivery, message: Message) -> Answer:
    body = _dump(message.data)
    headers = make_headers(delivery.channel.secret, delivery.message_id, int(time.time()), body)
    return post(delivery.channel.url, body, headers)


def _post_slack(delivery: ChannelDelivery, message: Message) -> Answer:
    def escape(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    head = f"<{message.link}|{escape(message.title).replace('|', '/')}>"
    text = "\n".join((f"*{head}*", *map(escape, message.lines)))
    return post(delivery.channel.url, _dump({"text": text, "unfurl_links": False}), _JSON)


def _post_discord(delivery: ChannelDelivery, message: Message) -> Answer:
    embed = {"title": message.title[:256], "url": message.link, "description": "\n".join(message.lines)[:4000], "color": _RED}
    return post(delivery.channel.url, _dump({"embeds": [embed], "allowed_mentions": {"parse": []}}), _JSON)


def _send_email(delivery: ChannelDelivery, message: Message) -> Answer:
    if not mail_is_configured():
        raise NoAnswer(NO_MAIL)
    return send_mail(delivery.message_id, delivery.channel.recipients.split(), message.title, message.text)


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


#: By Channel.Kind.
_SENDERS: dict[str, Callable[[ChannelDelivery, Message], Answer]] = {
    "webhook": _post_webhook,
    "slack": _post_slack,
    "discord": _post_discord,
    "email": _send_email,
}


def _send(delivery: ChannelDelivery) -> Answer:
    return _SENDERS[delivery.channel.kind](delivery, build_message(delivery))


ALERTS = Outbox(Channel, ChannelDelivery, "channel", (), _send)
