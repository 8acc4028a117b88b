"""Messages of Debezium in their order become the latest change of each row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from cdp.events.topics import CDC_HEARTBEATS, SHOP_TABLES, name_shop_topic
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.mart.shop import MIRRORS
from streaming.shop.values import UNCHANGED, Row, convert

TABLE_OF_TOPIC = {name_shop_topic(table): table for table in SHOP_TABLES}
#: `source.snapshot` of the first and of the last row, when Debezium reads a whole table.
SNAPSHOT_BEGINS, SNAPSHOT_ENDS = ("first", "first_in_data_collection"), ("last", "last_in_data_collection")
LONGEST_DETAIL = 200


class Message(NamedTuple):
    """A message as Kafka has it."""

    topic: str
    offset: int
    received_at: datetime
    key: bytes | None
    value: bytes | None


class Refusal(NamedTuple):
    """A message that can't be used, and why."""

    message: Message
    reason: str
    detail: str


class Refused(ValueError):
    """Why a message can't be used: the reason, and the detail."""


@dataclass(slots=True)
class Counts:
    """received = applied + superseded + tombstones + refused, always."""

    received: int = 0
    superseded: int = 0
    tombstones: int = 0
    refused: int = 0
    applied: int = 0


@dataclass(slots=True)
class TableChanges:
    """What the messages of a batch make of one table. A row that was deleted is in `deleted`, and with its last values in `rows`
    if the batch has them: they may complete an event."""

    name: str
    rows: dict[str, Row] = field(default_factory=dict)
    deleted: dict[str, Row] = field(default_factory=dict)  # the columns of the key
    emptied: bool = False  # before all rows
    snapshot_begins: bool = False  # all rows of the table come, beginning in this batch
    snapshot_ends: bool = False
    counts: Counts = field(default_factory=Counts)

    @property
    def present(self) -> Iterable[Row]:
        """The rows that were not deleted after their last change."""
        return (row for key, row in self.rows.items() if key not in self.deleted)

    def apply(self, message: Message) -> int:
        """Take a change. Returns when it was committed, in microseconds."""
        change = _read_object(message.value, "not_json", "the value")
        source = change.get("source")
        source = source if isinstance(source, dict) else {}
        operation = change.get("op")
        if operation == "t":
            self._drop_rows()
            self.counts.superseded += self.emptied
            self.emptied = True
        elif operation == "d":
            self._delete(message)
        elif operation in ("r", "c", "u"):
            self._put(change.get("after"), source.get("snapshot"))
        else:
            raise Refused("bad_change", f"the operation {operation!r} is unknown")
        committed = source.get("ts_us")
        return committed if isinstance(committed, int) else 0

    def _put(self, after: object, snapshot: object) -> None:
        row = read_row(self.name, after)
        key = name_key(self.name, row)
        if snapshot in SNAPSHOT_BEGINS:
            self._drop_rows()
            self.snapshot_begins, self.snapshot_ends = True, False
        elif snapshot in SNAPSHOT_ENDS:
            self.snapshot_ends = True
        before = {} if key in self.deleted else self.rows.get(key, {})
        self._supersede(key)
        self.rows[key] = {name: before.get(name, value) if value == UNCHANGED else value for name, value in row.items()}

    def _delete(self, message: Message) -> None:
        columns = SHOP_LAKE_TABLES[self.name].columns
        values = _read_object(message.key, "bad_key", "the key")
        row = {name: _convert(columns[name], name, values.get(name)) for name in SHOP_LAKE_TABLES[self.name].key}
        if None in row.values():
            raise Refused("bad_key", f"the key has no {', '.join(name for name, value in row.items() if value is None)}")
        key = name_key(self.name, row)
        self._supersede(key)
        self.deleted[key] = row

    def _supersede(self, key: str) -> None:
        """A change that the batch already has for the key is followed by a newer one."""
        self.counts.superseded += key in self.rows or key in self.deleted
        self.deleted.pop(key, None)

    def _drop_rows(self) -> None:
        self.counts.superseded += len(self.rows.keys() | self.deleted.keys())
        self.rows.clear()
        self.deleted.clear()

    def count_applied(self) -> None:
        self.counts.applied = len(self.rows.keys() | self.deleted.keys()) + self.emptied


@dataclass(slots=True)
class ShopChanges:
    """All messages of a batch."""

    tables: Mapping[str, TableChanges]
    counts: Mapping[str, Counts]  # by topic
    refusals: list[Refusal]
    newest: datetime | None  # when the newest change was committed


def read_changes(messages: Iterable[Message]) -> ShopChanges:
    """The messages of a topic are in their order."""
    tables = {name: TableChanges(name) for name in SHOP_TABLES}
    counts = {topic: tables[name].counts for topic, name in TABLE_OF_TOPIC.items()} | {CDC_HEARTBEATS.name: Counts()}
    refusals: list[Refusal] = []
    newest = 0
    for message in messages:
        count = counts[message.topic]
        count.received += 1
        try:
            newest = max(newest, _apply(tables, count, message))
        except Refused as refused:
            count.refused += 1
            refusals.append(Refusal(message, *refused.args))
    for table in tables.values():
        table.count_applied()
    return ShopChanges(tables, counts, refusals, datetime.fromtimestamp(newest / 1e6, UTC) if newest else None)


def _apply(tables: Mapping[str, TableChanges], count: Counts, message: Message) -> int:
    if message.value is None:
        count.tombstones += 1
        return 0
    if message.topic == CDC_HEARTBEATS.name:
        milliseconds = _read_object(message.value, "not_json", "the value").get("ts_ms")
        count.applied += 1
        return milliseconds * 1000 if isinstance(milliseconds, int) else 0
    return tables[TABLE_OF_TOPIC[message.topic]].apply(message)


def read_row(name: str, after: object) -> Row:
    """A row with checked values: all declared columns that it has, and others as texts."""
    if not isinstance(after, dict):
        raise Refused("bad_change", "the row after the change is missing")
    columns = SHOP_LAKE_TABLES[name].columns
    row = {column: _convert(columns.get(column, "string"), column, value) for column, value in after.items()}
    for column in _REQUIRED[name]:
        if row.get(column) is None:
            raise Refused("missing", column)
    return row


def name_key(name: str, row: Row) -> str:
    """The values of the row's key, as one text."""
    return orjson.dumps([row[column] for column in SHOP_LAKE_TABLES[name].key]).decode()


#: Columns without which a row of the shop's table can't be used.
_REQUIRED = {
    name: tuple(
        dict.fromkeys(
            [*table.key, *(column.name for column in MIRRORS[name].columns if column.required and column.name in table.columns)]
            if name in MIRRORS
            else table.key
        )
    )
    for name, table in SHOP_LAKE_TABLES.items()
}


def _convert(kind: str, column: str, value: object) -> Any:
    try:
        return convert(kind, value)
    except ValueError as error:
        raise Refused("bad_value", f"{column} must be {error}, not {str(value)[:LONGEST_DETAIL]!r}") from None


def _read_object(text: bytes | None, reason: str, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text or b"")
    except orjson.JSONDecodeError as error:
        raise Refused(reason, f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused(reason, f"{what} is not a JSON object")
    return value
