"""A shop's tables rebuilt from the messages of their topics, and the tables themselves, in the same form."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from confluent_kafka import Consumer, Message, TopicPartition
from psycopg import sql

from cdp.events.topics import name_shop_topic
from cdp.kafka import client_config
from cdp.settings import Settings

Row = Mapping[str, Any]
SECONDS = 60


class ChangeLog:
    """Reads the topics of some tables from where they end now, committed messages only."""

    def __init__(self, settings: Settings, tables: Iterable[str]) -> None:
        self._consumer = Consumer(
            client_config(settings) | {"group.id": "cdp-test", "isolation.level": "read_committed", "enable.auto.commit": False}
        )
        places = [TopicPartition(name_shop_topic(table), 0) for table in tables]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=10)[1]
        self._consumer.assign(places)
        self.messages: list[Message] = []

    def read_until(self, table: str, key: Row) -> list[Message]:
        """All messages up to the one of this row; what was committed before it has arrived too."""
        deadline = time.monotonic() + SECONDS
        while not any(message.topic() == name_shop_topic(table) and read_key(message) == key for message in self.messages):
            assert time.monotonic() < deadline, f"no message of {table} {key} came"
            self._poll(0.5)
        while self._poll(1.5):
            pass
        return self.messages

    def _poll(self, seconds: float) -> bool:
        message = self._consumer.poll(seconds)
        if message is None:
            return False
        assert message.error() is None, message.error()
        self.messages.append(message)
        return True

    def close(self) -> None:
        self._consumer.close()


def read_key(message: Message) -> Row:
    key: Row = json.loads(message.key() or b"{}")
    return key


def read_changes(messages: Iterable[Message], table: str) -> Iterator[dict[str, Any]]:
    """The changes of a table in their order, without tombstones."""
    for message in messages:
        if message.topic() == name_shop_topic(table) and message.value() is not None:
            yield json.loads(message.value() or b"")


def rebuild(messages: Iterable[Message], table: str) -> dict[str, Row]:
    """The rows by key, as the messages in their order make them."""
    rows: dict[str, Row] = {}
    for message in messages:
        if message.topic() != name_shop_topic(table) or message.value() is None:
            continue
        change, key = json.loads(message.value() or b""), json.dumps(read_key(message), sort_keys=True)
        if change["op"] == "d":
            rows.pop(key, None)
        else:
            rows[key] = change["after"]
    return rows


def read_table(connection: psycopg.Connection[Any], table: str, key: tuple[str, ...]) -> dict[str, Row]:
    """The rows by key, with money as text and times in UTC, as Debezium writes them."""
    with closing(connection.cursor(row_factory=psycopg.rows.dict_row)) as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("shop", table)))
        rows = [{name: _write(value) for name, value in row.items()} for row in cursor]
    return {json.dumps({name: row[name] for name in key}, sort_keys=True): row for row in rows}


def _write(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value
