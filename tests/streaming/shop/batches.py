"""Writes batches of messages into Postgres as the stream does, without Spark, Kafka and HDFS."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from cdp.events.topics import SHOP_TOPICS
from cdp.mart.daily import create_statements
from cdp.mart.shop import SHOP_TABLES
from cdp.postgres import connection_arguments
from cdp.settings import Settings
from streaming.messages import OffsetRange, Topic
from streaming.query import BatchContext
from streaming.shop.batch import write_changes
from streaming.shop.changes import Message, read_changes


def open_tables(settings: Settings) -> Connection:
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    with connection, connection.cursor() as cursor:
        for statement in create_statements(SHOP_TABLES):
            cursor.execute(statement)
    return connection


@dataclass
class ShopStream:
    """A stream with an id of its own."""

    connection: Connection
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def write(self, *messages: Message) -> None:
        """Write a batch, twice, as after a crash."""
        before = Counter(self.ends)
        self.ends.update(message.topic for message in messages)
        ranges = [OffsetRange(topic.name, 0, before[topic.name], self.ends[topic.name]) for topic in SHOP_TOPICS]
        topics = [Topic(topic.name, f"id of {topic.name}", {}) for topic in SHOP_TOPICS]
        context: Any = BatchContext(None, None, self.id, self.number, topics, ranges, time.monotonic())  # type: ignore[arg-type]
        for _ in range(2):
            with self.connection, self.connection.cursor() as cursor:
                write_changes(cursor, read_changes(sorted(messages)), context)
        self.number += 1

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def read_events(self) -> dict[str, dict[str, Any]]:
        rows: Sequence[tuple[str, dict[str, Any]]] = self.query(
            "SELECT event_id, event FROM shop.sent WHERE stream = %s ORDER BY batch", self.id
        )  # type: ignore[assignment]
        return dict(rows)
