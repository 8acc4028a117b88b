"""Adds, changes and deletes webhooks, and repeats deliveries by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cdp_web.outgoing.addresses import AddressRefused, target_read
from cdp_web.outgoing.send import restart
from cdp_web.outgoing.signing import make_secret
from cdp_web.segments.models import Segment, Webhook, WebhookDelivery
from cdp_web.segments.outbox import webhook_dispatch

MAX_WEBHOOKS = 100
DELIVERIES_SHOWN = 100
DISABLED_BY_HAND = "Switched off by hand."


def webhooks_list() -> list[Webhook]:
    return list(Webhook.objects.select_related("segment", "created_by")[:MAX_WEBHOOKS])


def webhook_get(webhook_id: int) -> Webhook | None:
    return Webhook.objects.select_related("segment", "created_by").filter(pk=webhook_id).first()


def deliveries_get_latest(webhook: Webhook) -> list[WebhookDelivery]:
    """The latest deliveries, newest first."""
    deliveries = webhook.deliveries.select_related("run__segment")
    return list(deliveries[:DELIVERIES_SHOWN])


def webhook_create(*, name: str, url: str, segment_id: int | None = None, created_by: Any = None) -> Webhook:
    """The secret is in the answer, and is shown this once."""
    if Webhook.objects.count() >= MAX_WEBHOOKS:
        raise ValidationError(
            {
                NON_FIELD_ERRORS: _("There are %(count)s webhooks already; delete one that you do not need.")
                % {"count": MAX_WEBHOOKS}
            }
        )
    webhook = Webhook(name=name.strip(), secret=make_secret(), created_by=created_by)
    _set_target(webhook, url, segment_id)
    webhook.save()
    return webhook


def webhook_update(*, webhook: Webhook, name: str, url: str, segment_id: int | None, is_active: bool) -> Webhook:
    """Change a webhook. Switching it on again forgets its failures and sends what waited."""
    webhook.name = name.strip()
    _set_target(webhook, url, segment_id)
    fields = ["name", "url", "segment"]
    is_switched = is_active != webhook.is_active
    if is_switched:
        webhook.is_active, webhook.failures = is_active, 0
        webhook.disabled_reason = "" if is_active else DISABLED_BY_HAND
        fields += ["is_active", "failures", "disabled_reason"]
    # The sender may count failures at the same time: only what has changed is written.
    webhook.save(update_fields=fields)
    if is_switched and is_active:
        transaction.on_commit(partial(webhook_dispatch, webhook.pk))
    return webhook


def webhook_delete(*, webhook: Webhook) -> None:
    """Delete a webhook with its log."""
    webhook.delete()


def delivery_resend(*, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send a delivery again from the first try, under the same message id."""
    if not Webhook.objects.filter(pk=delivery.webhook_id, is_active=True).exists():
        raise ValidationError(_("%(name)s is switched off; switch it on first.") % {"name": delivery.webhook.name})
    restart(delivery, timezone.now())
    transaction.on_commit(partial(webhook_dispatch, delivery.webhook_id))
    return delivery


def _set_target(webhook: Webhook, url: str, segment_id: int | None) -> None:
    if segment_id is not None and not Segment.objects.filter(pk=segment_id, archived_at=None).exists():
        raise ValidationError({"segment": _("There is no segment %(id)s.") % {"id": segment_id}})
    webhook.url, webhook.segment_id = url.strip(), segment_id
    try:
        target_read(webhook.url)
    except AddressRefused as error:
        raise ValidationError({"url": str(error)}) from error
    webhook.full_clean()
