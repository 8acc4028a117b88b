"""Changes rules, decides about alerts, and repeats deliveries by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cdp.mart.live import ALERT
from cdp_web.fraud.models import AlertState, Channel, ChannelDelivery, FraudRule
from cdp_web.outgoing.send import restart
from cdp_web.outgoing.signing import make_secret

#: Alerts that one request may decide about.
MOST_DECIDED = 200


def rule_save(*, rule: FraudRule, user: Any) -> FraudRule:
    """Store a rule. It counts from now if it is switched on or changed: earlier orders and payments make no alerts."""
    before = FraudRule.objects.filter(pk=rule.pk).first()
    is_same = before is not None and before.is_active and before.parameters == rule.parameters
    if rule.is_active and not is_same:
        rule.active_since = timezone.now()
    rule.changed_by = user
    rule.full_clean()
    rule.save()
    return rule


@transaction.atomic
def alerts_decide(*, alert_ids: Iterable[int], status: str, note: str, user: Any) -> int:
    """Store a decision; returns about how many alerts. A later decision replaces an earlier one; the audit log has both."""
    ids = sorted(set(alert_ids))
    if status not in AlertState.Status.values:
        raise ValidationError(_("Choose confirmed, dismissed or open."))
    if len(ids) > MOST_DECIDED:
        raise ValidationError(_("Choose at most %(most)s alerts.") % {"most": MOST_DECIDED})
    known = _find_existing(ids)
    for alert_id in known:
        state = AlertState.objects.filter(pk=alert_id).first() or AlertState(alert_id=alert_id)
        state.status, state.note, state.changed_by = status, note.strip(), user
        state.full_clean(validate_unique=False)
        state.save()
    return len(known)


def channel_save(*, channel: Channel, user: Any) -> str:
    """Store a channel. Returns the secret of a new webhook, which is shown this once. A channel that is new or switched on gets
    the alerts from now on."""
    secret = ""
    before = Channel.objects.filter(pk=channel.pk).first()
    if before is None:
        channel.created_by = user
    if channel.kind == Channel.Kind.WEBHOOK and not channel.secret:
        secret = channel.secret = make_secret()
    if channel.is_active and not (before and before.is_active):
        channel.last_alert, channel.failures, channel.disabled_reason = get_newest_alert(), 0, ""
    channel.save()
    return secret


def delivery_resend(*, delivery: ChannelDelivery) -> None:
    """Send a delivery again from the first try, under the same message id."""
    if not delivery.channel.is_active:
        raise ValidationError(_("%(name)s is switched off; switch it on first.") % {"name": delivery.channel.name})
    restart(delivery, timezone.now())


def trial_message_send(*, channel: Channel) -> ChannelDelivery:
    """Have a test message sent within seconds."""
    if not channel.is_active:
        raise ValidationError(_("%(name)s is switched off; switch it on first.") % {"name": channel.name})
    return ChannelDelivery.objects.create(channel=channel, next_try_at=timezone.now())


def mail_is_configured() -> bool:
    return bool(settings.EMAIL_HOST)


def get_newest_alert() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(alert_id), 0) FROM {ALERT.full_name}")
        return int(cursor.fetchone()[0])


def _find_existing(ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT alert_id FROM {ALERT.full_name} WHERE alert_id = ANY (%s) ORDER BY 1", [ids])
        return [alert_id for (alert_id,) in cursor.fetchall()]
