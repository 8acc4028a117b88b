"""The Kafka topic of changes: the faults with a fake producer, and one round with the real broker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from django.utils import timezone

from cdp.events.topics import SEGMENTS_CHANGES
from cdp.kafka import client_config
from cdp.settings import current
from cdp_web.segments import runs
from cdp_web.segments.change_topic import changes_send, make_producer
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))


class FakeProducer:
    """Acknowledges messages in `flush`. Loses those after the first `most`; its queue is full for the first `full` calls."""

    def __init__(self, most: int = 1000, full: int = 0, is_away: bool = False) -> None:
        self.most, self.full, self.is_away = most, full, is_away
        self.waiting: list[tuple[str, bytes, bytes, Callable[..., None]]] = []
        self.messages: list[dict[str, Any]] = []
        self.keys: list[bytes] = []

    def list_topics(self, topic: str, timeout: float) -> None:
        if self.is_away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT, "the broker is away"))

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Callable[..., None]) -> None:
        if self.full:
            self.full -= 1
            raise BufferError
        self.waiting.append((topic, value, key, on_delivery))

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        for topic, value, key, on_delivery in self.waiting:
            assert topic == "segments.changes"
            if len(self.messages) < self.most:
                self.messages.append(json.loads(value))
                self.keys.append(key)
                on_delivery(None, None)
            else:
                on_delivery(KafkaError(KafkaError._MSG_TIMED_OUT), None)
        self.waiting.clear()
        return 0


def make_runs(publish: Any) -> tuple[SegmentRun, SegmentRun]:
    """1 and é enter; then 1 leaves and 2 enters."""
    segment = segment_create(name="Buyers", rule=BUYERS)
    first = segment_run_now(segment=segment, publication=publish([buyer("1"), customer("2"), buyer("é")], 1))
    second = segment_run_now(segment=segment, publication=publish([customer("1"), buyer("2"), buyer("é")], 2))
    return first, second


def list_unsent() -> list[int]:
    return list(SegmentRun.objects.filter(changes_sent_at=None).order_by("pk").values_list("pk", flat=True))


def test_every_change_is_a_message_in_the_order_of_the_runs(publish: Any) -> None:
    first, second = make_runs(publish)
    producer = FakeProducer(full=2)
    assert changes_send(lambda: producer) == 2
    assert [(m["run"], m["customer_id"], m["change"], m["reason"]) for m in producer.messages] == [
        (first.pk, "1", "entered", "created"),
        (first.pk, "é", "entered", "created"),
        (second.pk, "2", "entered", "data"),
        (second.pk, "1", "left", "data"),
    ]
    assert producer.keys == [message["customer_id"].encode() for message in producer.messages]
    assert producer.messages[2] == {
        "segment": second.segment_id, "version": 1, "customer_id": "2", "change": "entered", "reason": "data",
        "day": "2019-11-30", "publication": 2, "run": second.pk,
    }  # fmt: skip
    assert list_unsent() == []
    assert changes_send(lambda: producer) == 0
    assert len(producer.messages) == 4


def test_a_run_that_was_sent_in_part_is_sent_again_before_later_ones(publish: Any) -> None:
    first, second = make_runs(publish)
    assert changes_send(lambda: FakeProducer(most=1)) == 0
    assert list_unsent() == [first.pk, second.pk]
    assert changes_send(lambda: FakeProducer(most=3)) == 1
    assert list_unsent() == [second.pk]
    producer = FakeProducer()
    changes_send(lambda: producer)
    assert [(message["customer_id"], message["change"]) for message in producer.messages] == [("2", "entered"), ("1", "left")]


def test_a_broker_that_is_away_leaves_the_runs_for_later(publish: Any) -> None:
    first, second = make_runs(publish)
    assert changes_send(lambda: FakeProducer(is_away=True)) == 0
    assert (first.status, second.status) == ("done", "done")
    assert list_unsent() == [first.pk, second.pk]


def test_a_run_without_changes_needs_no_producer(publish: Any) -> None:
    segment = segment_create(name="Nobody", rule=BUYERS)
    run = segment_run_now(segment=segment, publication=publish([customer("1")]))
    assert run.status == "done"
    assert changes_send(lambda: pytest.fail("a producer was made")) == 0


def test_runs_stay_in_the_history_until_their_changes_are_sent(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS_KEPT", 1)
    first, second = make_runs(publish)
    publication = publish([customer("1"), buyer("2"), buyer("é")], 3)
    segment = Segment.objects.get()
    segment_run_now(segment=segment, publication=publication)
    assert set(SegmentRun.objects.filter(pk__in=(first.pk, second.pk))) == {first, second}
    SegmentRun.objects.update(changes_sent_at=timezone.now())
    segment_run_now(segment=segment, publication=publication)
    assert SegmentRun.objects.filter(status="done").count() == 1


@pytest.mark.stack("kafka")
def test_the_broker_has_every_change(publish: Any) -> None:
    started = time.time()
    first, second = make_runs(publish)
    assert changes_send(make_producer) == 2
    received = read_topic(started)
    expected = {(first.pk, "1", "entered"), (first.pk, "é", "entered"), (second.pk, "2", "entered"), (second.pk, "1", "left")}
    assert {(message["run"], message["customer_id"], message["change"]) for message in received} == expected
    of_one = [message["change"] for message in received if message["customer_id"] == "1"]
    assert of_one == ["entered", "left"]


def read_topic(since: float) -> list[dict[str, Any]]:
    """The messages of the topic that Kafka received since then, partition by partition. Earlier tests have left others."""
    consumer = Consumer(client_config(current()) | {"group.id": "tests", "enable.auto.commit": False})
    messages: list[dict[str, Any]] = []
    try:
        for partition in consumer.list_topics(SEGMENTS_CHANGES.name, timeout=10).topics[SEGMENTS_CHANGES.name].partitions:
            _, end = consumer.get_watermark_offsets(TopicPartition(SEGMENTS_CHANGES.name, partition), timeout=10)
            consumer.assign([TopicPartition(SEGMENTS_CHANGES.name, partition, 0)])
            for _ in range(end):
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                if message.timestamp()[1] >= 1000 * since:
                    messages.append(json.loads(message.value() or b""))
    finally:
        consumer.close()
    return messages
