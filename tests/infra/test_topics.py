"""./run topic: messages as text without a server, and the last messages of a real topic."""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson
import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from cdp.events import EVENTS_RAW
from cdp.events.envelope import describe_change
from cdp.kafka import client_config
from infra.stack import verbs
from infra.stack.messages import format_json, format_message
from infra.stack.stack import Stack, StackError, open_stack
from infra.stack.topics import TopicReader, list_topics

SOURCE = {"lsn": 7}
ROW = {"order_id": 7, "status": "placed", "total": "12.50"}


@dataclass(frozen=True)
class Record:
    """A message as the client returns it."""

    value_bytes: bytes | None
    key_bytes: bytes | None = b'{"order_id":7}'

    def topic(self) -> str:
        return "cdc.shop.orders"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 1234

    def timestamp(self) -> tuple[int, int]:
        return 2, 1_795_846_306_781

    def key(self) -> bytes | None:
        return self.key_bytes

    def value(self) -> bytes | None:
        return self.value_bytes


def format_lines(value: bytes | None, key: bytes | None = b'{"order_id":7}', raw: bool = False) -> list[str]:
    return format_message(cast(Message, Record(value, key)), raw).splitlines()


def make_change(op: str, before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after, "source": SOURCE, "op": op}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (make_change("u", ROW, ROW | {"status": "paid"}), 'updated: status "placed" → "paid"'),
        (make_change("u", ROW, ROW | {"note": "x"}), 'updated: note null → "x"'),
        (make_change("u", None, ROW), 'updated: order_id 7, status "placed", total "12.50"'),
        (make_change("c", None, {"order_id": 7}), "inserted: order_id 7"),
        (make_change("r", None, {"order_id": 7}), "read: order_id 7"),
        (make_change("d", {"order_id": 7, "total": "0"}, None), "deleted"),
        (make_change("t", None, None), "truncated"),
        (make_change("c", None, {"name": "x" * 200}), f'inserted: name "{"x" * 99}…'),
    ],
)
def test_change_shows_what_changed(change: dict[str, Any], text: str) -> None:
    assert describe_change(change) == text


def test_message_has_its_place_its_time_and_its_key() -> None:
    assert format_lines(orjson.dumps(make_change("c", None, {"order_id": 7}))) == [
        '2026-11-28 06:11:46.781Z  partition 0  offset 1,234  key {"order_id":7}',
        "  inserted: order_id 7",
    ]


def test_raw_change_is_whole() -> None:
    assert '      "lsn": 7' in format_lines(orjson.dumps(make_change("c", None, ROW)), raw=True)


def test_json_is_indented_and_a_tombstone_is_named() -> None:
    assert format_lines(b'{"user_id":"\xc3\xbc"}', None)[1:] == ["  {", '    "user_id": "ü"', "  }"]
    assert format_lines(None)[1:] == ["  no value: the key was deleted"]


def test_message_cannot_control_the_terminal() -> None:
    assert format_lines(b"\x1b[31mred\xff")[1:] == ["  \\x1b[31mred\\xff"]
    assert format_lines('{"a":"\x9b31m"}'.encode())[2] == '    "a": "\\x9b31m"'


def test_line_of_json_keeps_numbers_as_they_are() -> None:
    record = Record(b'{"price": 12.50,\n"id": 12345678901234567890}', None)
    line = format_json(cast(Message, record))
    assert '"value":{"price": 12.50, "id": 12345678901234567890}' in line
    assert json.loads(line)["key"] is None
    assert json.loads(format_json(cast(Message, Record(b"no json"))))["value"] == "no json"


@pytest.fixture(scope="module")
def topic(request: pytest.FixtureRequest) -> Iterator[str]:
    """A topic of two partitions: in each transaction a message for either partition; the last transaction is rolled back."""
    settings = request.getfixturevalue("test_stack").require(("kafka",)).settings
    name = f"test.{uuid.uuid4().hex[:12]}"
    admin = AdminClient(client_config(settings))
    admin.create_topics([NewTopic(name, 2, 1)])[name].result()
    producer = Producer(client_config(settings) | {"transactional.id": name})
    producer.init_transactions(20)
    for number in range(6):
        producer.begin_transaction()
        for partition in (0, 1):
            producer.produce(name, orjson.dumps({"number": number, "partition": partition}), None, partition)
            producer.flush(10)
        producer.abort_transaction(20) if number == 5 else producer.commit_transaction(20)
    yield name
    admin.delete_topics([name])[name].result()


@pytest.mark.stack("kafka")
def test_last_messages_of_all_partitions_in_order_of_time(servers: Stack, topic: str) -> None:
    reader = TopicReader(servers.settings, topic)
    last = [orjson.loads(message.value() or b"") for message in reader.read_last(3)]
    assert last == [{"number": 3, "partition": 1}, {"number": 4, "partition": 0}, {"number": 4, "partition": 1}]
    assert len(TopicReader(servers.settings, topic).read_last(100)) == 10
    assert TopicReader(servers.settings, topic).read_last(0) == []


@pytest.mark.stack("kafka")
def test_list_has_partitions_offsets_and_age(servers: Stack, topic: str) -> None:
    topics = {each.name: each for each in list_topics(servers.settings)}
    assert len(topics[topic].ends) == 2
    assert topics[topic].offsets >= 12
    assert topics[topic].newest_ms is not None
    assert topics[EVENTS_RAW.name].about == EVENTS_RAW.about
    assert "__consumer_offsets" not in topics


@pytest.mark.stack("kafka")
def test_the_verb(servers: Stack, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = Namespace(name=topic, lines=2, follow=False, raw=False, json=True)
    assert verbs._topic(servers, arguments) == 0
    assert [json.loads(line)["value"]["number"] for line in capsys.readouterr().out.splitlines()] == [4, 4]
    with pytest.raises(StackError, match=r"^'events.row' is not a topic; did you mean 'events.raw'\?$"):
        verbs._topic(servers, Namespace(**vars(arguments) | {"name": "events.row"}))


@pytest.mark.stack("kafka")
def test_following_continues_after_the_last_message(servers: Stack, topic: str) -> None:
    reader = TopicReader(servers.settings, topic)
    reader.read_last(1)
    producer = Producer(client_config(servers.settings))
    for partition in (1, 0):
        producer.produce(topic, b"new", None, partition)
        producer.flush(10)
    following = reader.follow()
    assert {(message.partition(), message.value()) for message in (next(following), next(following))} == {
        (0, b"new"),
        (1, b"new"),
    }


def test_number_of_messages_is_checked_before_kafka() -> None:
    stack = open_stack()
    with pytest.raises(StackError, match="-n takes a number from 0"):
        verbs._topic(stack, Namespace(name="events.raw", lines=-1, follow=False, raw=False, json=False))
