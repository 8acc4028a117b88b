"""Messages as Debezium writes them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from cdp.events.topics import name_shop_topic
from cdp.lake.shop import SHOP_LAKE_TABLES
from streaming.shop.changes import Message

RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMITTED = 1_772_366_400_000_000


class Topics:
    """Makes messages and counts the offsets of each topic."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()

    def put(self, table: str, operation: str = "c", snapshot: str = "false", **row: Any) -> Message:
        """A row that was read, inserted or updated."""
        key = {name: row.get(name) for name in SHOP_LAKE_TABLES[table].key}
        return self.send(table, key, {"op": operation, "after": row, "source": {"snapshot": snapshot, "ts_us": COMMITTED}})

    def delete(self, table: str, **key: Any) -> list[Message]:
        """A deletion and its tombstone."""
        value = {"op": "d", "before": key | {"invented": 0}, "after": None, "source": {"snapshot": "false", "ts_us": COMMITTED}}
        return [self.send(table, key, value), self.send(table, key, None)]

    def truncate(self, table: str) -> Message:
        return self.send(table, None, {"op": "t", "source": {"snapshot": "false", "ts_us": COMMITTED}})

    def send(self, table: str, key: Any, value: Any) -> Message:
        topic = name_shop_topic(table)
        self.ends[topic] += 1
        texts = (
            None if each is None else each if isinstance(each, bytes) else json.dumps(each).encode() for each in (key, value)
        )
        return Message(topic, self.ends[topic] - 1, RECEIVED, *texts)
