"""The messages of webhooks. Their content is read from the members' intervals when they are sent."""

from __future__ import annotations

import json
import time

from cdp_web.outgoing.post import Answer, post
from cdp_web.outgoing.send import Outbox
from cdp_web.outgoing.signing import make_headers
from cdp_web.segments.changes import iterate_changes
from cdp_web.segments.models import SegmentRun, Webhook, WebhookDelivery

#: Most changes in one message.
PART_SIZE = 1000


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


def _post(delivery: WebhookDelivery) -> Answer:
    webhook, body = delivery.webhook, build_body(delivery)
    return post(webhook.url, body, make_headers(webhook.secret, delivery.message_id, int(time.time()), body))


WEBHOOKS = Outbox(Webhook, WebhookDelivery, "webhook", ("run__segment", "run__version"), _post)
