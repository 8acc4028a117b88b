"""What a complete run sends to others. The run's row is the outbox: what could not be sent is found there again by the sweeps."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from cdp_web.segments.changes import run_has_changes
from cdp_web.segments.models import SegmentRun, Webhook, WebhookDelivery
from cdp_web.segments.webhooks.send import WEBHOOKS, count_parts

logger = logging.getLogger(__name__)

#: Names of the Celery tasks, and their queue.
WEBHOOK_SEND = "segments.webhook_send"
CHANGES_SEND = "segments.changes_send"
QUEUE = "out"
#: Seconds after which a task that waited is dropped: a sweep sends it again, so tasks don't pile up.
EXPIRES = 60


def changes_announce(run: SegmentRun) -> None:
    """Add the deliveries of a run to the caller's transaction, and send them and the changes once it is committed."""
    if not (run.entered or run.left):
        return
    webhooks = list(Webhook.objects.filter(Q(segment=None) | Q(segment_id=run.segment_id), is_active=True))
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(webhook=webhook, run=run, part=part, next_try_at=now)
            for webhook in webhooks
            for part in range(1, count_parts(run) + 1)
        ],
        batch_size=1000,
    )
    transaction.on_commit(lambda: _dispatch_all([webhook.pk for webhook in webhooks]))


def webhook_dispatch(webhook_id: int) -> bool:
    """Have a worker send what is due; false if the broker is away, and then the next sweep does it."""
    return _dispatch(WEBHOOK_SEND, webhook_id)


def webhooks_sweep() -> int:
    """Send what is due to the workers again; returns for how many webhooks."""
    due = WEBHOOKS.list_receivers()
    for webhook_id in due:
        webhook_dispatch(webhook_id)
    return len(due)


def runs_waiting_in_outbox() -> Q:
    """Runs that must stay, because something of them was not sent yet."""
    pending = WebhookDelivery.objects.filter(run=OuterRef("pk"), status=WebhookDelivery.Status.PENDING)
    return (run_has_changes() & Q(changes_sent_at=None)) | Q(Exists(pending))


def _dispatch_all(webhook_ids: list[int]) -> None:
    """A broker that is away is tried once: the sweeps send the rest."""
    if _dispatch(CHANGES_SEND):
        all(webhook_dispatch(webhook_id) for webhook_id in webhook_ids)


def _dispatch(task: str, *arguments: int) -> bool:
    try:
        current_app.send_task(task, list(arguments), queue=QUEUE, expires=EXPIRES)
    except BrokerError as error:
        logger.warning("the broker does not answer (%s); %s waits for the next sweep", error, task)
        return False
    return True
