"""Sends who entered and left to the Kafka topic segments.changes: at least once, and in the order of a segment's runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException, Producer
from django.db.models import QuerySet
from django.utils import timezone

from cdp.events.topics import SEGMENTS_CHANGES
from cdp.kafka import client_config
from cdp.settings import current
from cdp_web.outgoing.locks import advisory_lock
from cdp_web.segments.changes import Change, iterate_changes, run_has_changes
from cdp_web.segments.models import SegmentRun

logger = logging.getLogger(__name__)

#: Kafka must answer within this time before anything is sent.
ANSWER_SECONDS = 3.0
#: All messages of a run must be acknowledged within this time after the last one was handed over.
FLUSH_SECONDS = 60.0

MakeProducer = Callable[[], Any]


class ChangesNotSent(RuntimeError):
    """Kafka did not acknowledge every change of a run."""


def make_producer() -> Producer:
    options = {"acks": "all", "enable.idempotence": True, "linger.ms": 20, "message.timeout.ms": 30_000}
    return Producer(client_config(current()) | options)


def changes_send(make: MakeProducer = make_producer) -> int:
    """Send the changes of all runs that were not sent yet; returns of how many. The first failure ends it: the runs wait."""
    sent = 0
    with advisory_lock("segments.changes") as is_mine:
        if not is_mine or not (first := _list_unsent().first()):
            return 0
        try:
            producer = make()
            producer.list_topics(SEGMENTS_CHANGES.name, timeout=ANSWER_SECONDS)
            run: SegmentRun | None = first
            while run:
                _send_run(producer, run)
                SegmentRun.objects.filter(pk=run.pk).update(changes_sent_at=timezone.now())
                sent += 1
                run = _list_unsent().first()
        except (KafkaException, ChangesNotSent) as error:
            logger.warning("segment changes wait for the next try in a minute: %s", error)
    return sent


def build_message(run: SegmentRun, change: Change) -> dict[str, Any]:
    return {
        "segment": run.segment_id,
        "version": run.version.number,
        "customer_id": change.customer_id,
        "change": change.kind,
        "reason": change.reason,
        "day": run.day.isoformat(),
        "publication": run.publication_id,
        "run": run.pk,
    }


def _list_unsent() -> QuerySet[SegmentRun]:
    return SegmentRun.objects.filter(run_has_changes(), changes_sent_at=None).select_related("version").order_by("pk")


def _send_run(producer: Any, run: SegmentRun) -> None:
    errors: list[str] = []

    def note_error(error: Any, _: Any) -> None:
        if error is not None:
            errors.append(str(error))

    for change in iterate_changes(run):
        value = json.dumps(build_message(run, change), ensure_ascii=False, separators=(",", ":")).encode()
        _produce(producer, change.customer_id.encode(), value, note_error)
        if errors:
            break
    left_over = producer.flush(FLUSH_SECONDS)
    if errors or left_over:
        raise ChangesNotSent(f"run {run.pk}: {errors[0] if errors else f'{left_over} messages were not acknowledged'}")


def _produce(producer: Any, key: bytes, value: bytes, on_delivery: Callable[[Any, Any], None]) -> None:
    while True:
        try:
            producer.produce(SEGMENTS_CHANGES.name, value, key, on_delivery=on_delivery)
        except BufferError:  # the client's queue is full: wait until the broker has taken some
            producer.poll(1.0)
        else:
            producer.poll(0)
            return
