"""Sends the changes between two snapshots to the topic of the table, each page in one transaction with the position after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from cdp.events.topics import CDC, SHOP_TABLES, SHOP_TOPICS, Topic
from cdp.settings import Settings
from source_server.diff.compare import RowChange, Transition, iterate_changes
from source_server.diff.refusal import DiffRunning
from source_server.diff.snapshots import Snapshots
from source_server.produce.kafka import KafkaUnavailable, Patience
from source_server.produce.page_writer import KeyAndValue, PageLost, open_writer
from source_server.produce.positions import DatasetPosition, read_position
from source_server.produce.producer import MOST_LOSSES

PAGE_MESSAGES = 20_000
PAGE_BYTES = 16 << 20
_SEPARATOR = ">"


@dataclass(frozen=True, slots=True)
class DiffPosition:
    """The last snapshot that is complete in the topic; with a target, how many changes towards it are in the topic."""

    snapshot: str = ""
    target: str = ""
    sent: int = 0

    @property
    def unfinished(self) -> Transition | None:
        return Transition(self.snapshot, self.target) if self.target else None

    def to_record(self, table: str) -> DatasetPosition:
        cursor = f"{self.snapshot}{_SEPARATOR}{self.target}" if self.target else self.snapshot
        return DatasetPosition(name_position(table), cursor, self.sent)


def position_from_record(record: DatasetPosition | None) -> DiffPosition:
    if record is None:
        return DiffPosition()
    snapshot, _, target = (record.cursor or "").partition(_SEPARATOR)
    return DiffPosition(snapshot, target, record.rows)


def name_position(table: str) -> str:
    """The key of a table's record in source.positions."""
    return f"diff-{table}"


def find_topic(table: str) -> Topic:
    return SHOP_TOPICS[SHOP_TABLES.index(table)]


def read_diff_position(settings: Settings, table: str, patience: Patience) -> DiffPosition:
    return position_from_record(read_position(settings, name_position(table), patience))


class ChangeSender:
    """The only writer of a table's differences. A newer one fences off an older one."""

    def __init__(self, settings: Settings, snapshots: Snapshots, table: str, file: str, patience: Patience) -> None:
        self._settings = settings
        self._snapshots = snapshots
        self._table = table
        self._file = file
        self._patience = patience
        self._open()

    def _open(self) -> None:
        name = name_position(self._table)
        self._writer = open_writer(self._settings, name, self._patience, find_topic(self._table))
        self.position = position_from_record(self._writer.position)

    def send(self, transition: Transition) -> None:
        """Send what is missing of a transition."""
        begun, losses = self.position.unfinished == transition, 0
        while True:
            try:
                if not begun:
                    self._write([], DiffPosition(transition.base, transition.target))
                    begun = True
                for messages, position in self._make_pages(transition):
                    self._patience.check()
                    self._write(messages, position)
                    losses = 0
                return
            except PageLost as loss:
                losses += 1
                if losses >= MOST_LOSSES:
                    raise KafkaUnavailable(f"Kafka did not accept a page of {self._table} in {losses} tries: {loss}") from loss
                self._patience.pause(1.0)
                self._open()
                if begun and self.position.unfinished != transition:
                    self._require_complete(transition)
                    return

    def _require_complete(self, transition: Transition) -> None:
        """The lost page was the last one and is in the topic; any other position was written by another run."""
        if (self.position.snapshot, self.position.target) != (transition.target, ""):
            raise DiffRunning(f"another run sends the changes of {self._table}; this one ends.")

    def _make_pages(self, transition: Transition) -> Iterator[tuple[list[KeyAndValue], DiffPosition]]:
        """The last page, which may be empty, completes the transition."""
        done, size, messages = self.position.sent, 0, list[KeyAndValue]()
        tail = self._make_tail(transition)
        for change in iterate_changes(self._snapshots, transition, done):
            if len(messages) >= PAGE_MESSAGES or size >= PAGE_BYTES:
                yield messages, DiffPosition(transition.base, transition.target, done)
                size, messages = 0, []
            made = make_messages(change, tail)
            messages += made
            size += sum(len(value or b"") for _, value in made)
            done += 1
        yield messages, DiffPosition(transition.target, sent=done)

    def _make_tail(self, transition: Transition) -> bytes:
        """What is the same in all messages of a run. `lsn` is null, as in rows that Debezium reads again on request."""
        now = time.time_ns() // 1000
        source = {
            "connector": "file",
            "name": CDC,
            "snapshot": "false" if transition.base else "true",
            "schema": "shop",
            "table": self._table,
            "file": self._file,
            "ts_ms": now // 1000,
            "ts_us": now,
            "txId": None,
            "lsn": None,
        }
        return b'"source":%s,"ts_ms":%d,"transaction":null' % (orjson.dumps(source), now // 1000)

    def _write(self, messages: list[KeyAndValue], position: DiffPosition) -> None:
        written = self._writer.write_messages(messages, position.to_record(self._table))
        if written.refused:
            raise AssertionError("a line of an export is never too large for a message")
        self.position = position


def make_messages(change: RowChange, tail: bytes) -> list[KeyAndValue]:
    """The message of a change, as Debezium writes it; a deletion has a second one without a value."""
    key = change.key.encode()
    before, after = ((row or "null").encode() for row in (change.before, change.after))
    value = b'{"before":%s,"after":%s,"op":"%s",%s}' % (before, after, change.op.encode(), tail)
    return [(key, value), (key, None)] if change.op == "d" else [(key, value)]
