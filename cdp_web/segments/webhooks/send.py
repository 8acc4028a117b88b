"""Sends the messages of webhooks, and decides what follows from the answer."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import httpx
from django.db.models import F
from django.utils import timezone

from cdp.errors import first_line
from cdp_web.segments.changes import iterate_changes
from cdp_web.segments.locks import advisory_lock
from cdp_web.segments.models import SegmentRun, Webhook, WebhookDelivery
from cdp_web.segments.webhooks.addresses import AddressRefused, target_read
from cdp_web.segments.webhooks.signing import make_headers

Status = WebhookDelivery.Status

#: Most changes in one message.
PART_SIZE = 1000
#: The waits after the first, second, … failed try. After the last one the delivery is dead.
WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
#: Deliveries in a row that must die before the webhook is switched off.
MAX_FAILURES = 5
TIMEOUT = httpx.Timeout(10, connect=5)
#: A task sends for this long; what is left has its turn after the other tasks.
SECONDS = 20.0
_BODY_START = 500


class NoAnswer(RuntimeError):
    """The receiver could not be reached, or did not answer in time."""


def deliveries_send(*, webhook_id: int) -> bool:
    """Send the deliveries of a webhook that are due, oldest first; true if some are left. One process at a time does this.

    If the receiver does not answer, the others wait with the first one: each would only wait for the same timeout.
    """
    with advisory_lock(f"webhook {webhook_id}") as is_mine:
        if not is_mine:
            return False
        end = time.monotonic() + SECONDS
        while (delivery := _find_due(webhook_id)) is not None:
            if time.monotonic() > end:
                return True
            _send(delivery)
    return False


def webhooks_list_due() -> list[int]:
    """The webhooks that have something to send now."""
    due = WebhookDelivery.objects.filter(status=Status.PENDING, next_try_at__lte=timezone.now(), webhook__is_active=True)
    return list(due.order_by("webhook_id").values_list("webhook_id", flat=True).distinct())


def count_parts(run: SegmentRun) -> int:
    return -(-((run.entered or 0) + (run.left or 0)) // PART_SIZE)


def build_body(delivery: WebhookDelivery) -> bytes:
    """The message of a delivery: its part of the run's changes."""
    run, first = delivery.run, (delivery.part - 1) * PART_SIZE
    changes: dict[str, list[dict[str, str]]] = {"entered": [], "left": []}
    for change in iterate_changes(run, first, first + PART_SIZE):
        changes[change.kind].append({"customer_id": change.customer_id, "reason": change.reason})
    message = {
        "type": "segment.changed",
        "segment": {"id": run.segment_id, "name": run.segment.name, "version": run.version.number},
        "publication": run.publication_id,
        "day": run.day.isoformat(),
        "run": run.pk,
        **changes,
        "part": delivery.part,
        "parts": count_parts(run),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _find_due(webhook_id: int) -> WebhookDelivery | None:
    due = WebhookDelivery.objects.filter(
        webhook_id=webhook_id, webhook__is_active=True, status=Status.PENDING, next_try_at__lte=timezone.now()
    )
    return due.select_related("webhook", "run__segment", "run__version").order_by("next_try_at", "pk").first()


def _send(delivery: WebhookDelivery) -> None:
    """One try. It counts before it begins, so a try that kills its worker counts too."""
    attempt = delivery.attempt + 1
    next_try_at = timezone.now() + WAITS[min(attempt, len(WAITS)) - 1]
    _change(delivery, attempt=attempt, next_try_at=next_try_at)
    try:
        status, body = _post(delivery)
    except (NoAnswer, AddressRefused) as error:
        _store_failure(delivery, None, str(error))
        _postpone_others(delivery)
    else:
        if 200 <= status < 300:
            _store_success(delivery, status, body)
        else:
            _store_failure(delivery, status, body)


def _post(delivery: WebhookDelivery) -> tuple[int, str]:
    """The status and the start of the answer. Redirects are not followed: they could lead to an address that is refused."""
    webhook = delivery.webhook
    target = target_read(webhook.url)
    body = build_body(delivery)
    headers = make_headers(webhook.secret, delivery.message_id, int(time.time()), body) | {"host": target.host_header}
    extensions = {"sni_hostname": target.url.raw_host.decode()}
    try:
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False) as client,
            client.stream("POST", target.pinned_url, content=body, headers=headers, extensions=extensions) as response,
        ):
            return response.status_code, _read_start(response)
    except httpx.HTTPError as error:
        raise NoAnswer(f"No answer from {target.url.host}: {first_line(error)}") from error


def _read_start(response: httpx.Response) -> str:
    start, end = b"", time.monotonic() + 5
    for chunk in response.iter_raw(_BODY_START):
        start += chunk
        if len(start) >= _BODY_START or time.monotonic() > end:
            break
    # Postgres refuses NUL characters.
    return start[:_BODY_START].decode(errors="replace").replace("\0", "")


def _store_success(delivery: WebhookDelivery, status: int, body: str) -> None:
    values = {"response_status": status, "response_body": body, "next_try_at": None, "sent_at": timezone.now()}
    _change(delivery, status=Status.SENT, **values)
    Webhook.objects.filter(pk=delivery.webhook_id, failures__gt=0).update(failures=0)


def _store_failure(delivery: WebhookDelivery, status: int | None, says: str) -> None:
    answer: dict[str, Any] = {"response_status": status, "response_body": says[:_BODY_START]}
    if delivery.attempt <= len(WAITS):
        _change(delivery, **answer)
        return
    _change(delivery, status=Status.DEAD, next_try_at=None, **answer)
    webhooks = Webhook.objects.filter(pk=delivery.webhook_id)
    webhooks.update(failures=F("failures") + 1)
    last = f"status {status}" if status else says
    reason = f"{MAX_FAILURES} deliveries in a row failed for good, each after {len(WAITS) + 1} tries. The last answer: {last}"
    webhooks.filter(failures__gte=MAX_FAILURES).update(is_active=False, disabled_reason=reason[:_BODY_START])


def _postpone_others(delivery: WebhookDelivery) -> None:
    now = timezone.now()
    others = WebhookDelivery.objects.filter(webhook_id=delivery.webhook_id, status=Status.PENDING, next_try_at__lte=now)
    others.exclude(pk=delivery.pk).update(next_try_at=delivery.next_try_at or now + WAITS[0])


def _change(delivery: WebhookDelivery, **values: Any) -> None:
    for name, value in values.items():
        setattr(delivery, name, value)
    delivery.save(update_fields=[*values])
