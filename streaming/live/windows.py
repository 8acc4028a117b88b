"""Sends windows that have changed to Kafka: their sums to `live.revenue`, what sells in them to `live.top_products`.

A window of N minutes begins at a multiple of N. It is sent at most every N seconds, and again when a late event changes it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from cdp.events.topics import LIVE_REVENUE, LIVE_TOP_PRODUCTS
from cdp.kafka import client_config
from cdp.mart.live_windows import LENGTHS, Cursor, Measure, Order, Thing, Window, read_ranking, read_sums
from cdp.settings import Settings
from streaming.live.report import describe_sums

#: A window that ends longer before the newest event than this is not sent any more.
SENT_FOR = timedelta(hours=1)
#: Most windows that a batch sends; the others follow with the next batches.
MOST_AT_ONCE = 12
LISTED = 10
FLUSH_SECONDS = 30.0
_THINGS: tuple[Thing, ...] = ("product", "category")
_MEASURES: tuple[Measure, ...] = ("units", "revenue")
_ORDERS: tuple[Order, ...] = ("top", "trending")


class KafkaRefused(RuntimeError):
    """Kafka did not take a window."""


@dataclass(slots=True)
class WindowSender:
    """Remembers which windows have changed since they were sent last."""

    settings: Settings
    changed: set[Window] = field(default_factory=set)
    sent_at: dict[int, float] = field(default_factory=dict)
    _errors: list[str] = field(default_factory=list)
    _producer: Producer | None = None

    def note_minutes(self, minutes: Iterable[datetime], newest: datetime) -> None:
        """The windows of these minutes have changed."""
        self.changed |= {find_window(minute, length) for minute in minutes for length in LENGTHS}
        self.changed = {window for window in self.changed if window.end > newest - SENT_FOR}

    def take_due(self, all_of_them: bool) -> list[Window]:
        """The changed windows that are to be sent now, the newest first."""
        newest_first = sorted(self.changed, key=lambda window: (window.end, window.begin), reverse=True)
        return newest_first if all_of_them else list(filter(self._is_due, newest_first))[:MOST_AT_ONCE]

    def _is_due(self, window: Window) -> bool:
        sent_at = self.sent_at.get(window.minutes)
        return sent_at is None or time.monotonic() - sent_at >= window.minutes

    def send(self, cursor: Cursor, windows: Sequence[Window]) -> None:
        self._producer = self._producer or Producer(client_config(self.settings))
        self._errors.clear()
        for window in windows:
            for topic, value in make_messages(cursor, window):
                self._producer.produce(topic, value, str(window.minutes), on_delivery=self._note_failure)
        waiting = self._producer.flush(FLUSH_SECONDS)
        if waiting or self._errors:
            reason = self._errors[0] if self._errors else f"no answer in {FLUSH_SECONDS:.0f} s"
            raise KafkaRefused(f"Kafka did not take the windows: {reason}")
        self.changed.difference_update(windows)
        self.sent_at |= {window.minutes: time.monotonic() for window in windows}

    def _note_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._errors.append(error.str())


def find_window(minute: datetime, length: int) -> Window:
    """The window of so many minutes that holds the minute."""
    seconds = length * 60
    begin = datetime.fromtimestamp(minute.timestamp() // seconds * seconds, UTC)
    return Window(begin, begin + timedelta(minutes=length))


def make_messages(cursor: Cursor, window: Window) -> Iterator[tuple[str, bytes]]:
    """The topic and the value of each of the window's messages."""
    head = {"minutes": window.minutes, "begin": window.begin, "end": window.end}
    now, before = (describe_sums(read_sums(cursor, each)) for each in (window, window.before))
    yield LIVE_REVENUE.name, _encode(head | {"now": now, "before": before})
    rankings = {
        f"{order}_{thing}_by_{measure}": [asdict(row) for row in read_ranking(cursor, window, thing, measure, order, LISTED)]
        for thing in _THINGS
        for measure in _MEASURES
        for order in _ORDERS
    }
    yield LIVE_TOP_PRODUCTS.name, _encode(head | rankings)


def _encode(value: dict[str, Any]) -> bytes:
    """As JSON; money as text, times in ISO 8601."""
    return json.dumps(value, default=lambda each: each.isoformat() if isinstance(each, datetime) else str(each)).encode()
