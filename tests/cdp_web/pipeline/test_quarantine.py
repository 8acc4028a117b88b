"""Reads of a quarantine table on the local disk: counts, filters, and pages that neither skip nor repeat a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cdp.settings import load
from cdp_web.pipeline import quarantine
from cdp_web.pipeline.quarantine import (
    PAGE_SIZE,
    Place,
    QuarantineFilter,
    QuarantineTable,
    groups_get,
    messages_get,
    place_from_text,
    quarantine_open,
)

DAY = date(2019, 10, 2)
NOON = datetime(2019, 10, 2, 12, tzinfo=UTC)
COUNT = 60
BOTH = QuarantineFilter(DAY - timedelta(days=1), DAY)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> QuarantineTable:
    """60 messages of a day, two in each second, of which one was replayed, and one message of the day before."""
    settings = replace(load({}), hdfs_url=f"file://{tmp_path}")
    monkeypatch.setattr(quarantine, "current", lambda: settings)
    assert quarantine_open() is None
    numbers = range(COUNT + 1)
    columns = {
        "reason": ["bad_type" if number % 3 else "not_json" for number in numbers],
        "field": ["event_type" if number % 3 else None for number in numbers],
        "detail": [f"detail {number}" for number in numbers],
        "payload": [b'{"a": "<b>"}' if number % 3 else b"\xff{" for number in numbers],
        "received_day": [DAY] * COUNT + [DAY - timedelta(days=1)],
        "received_at": pa.array(
            [*(NOON + timedelta(seconds=number // 2) for number in range(COUNT)), NOON - timedelta(days=1)],
            pa.timestamp("us", tz="UTC"),
        ),
        "kafka_topic": ["events.raw"] * (COUNT + 1),
        "kafka_partition": pa.array([0] * (COUNT + 1), pa.int32()),
        "kafka_offset": pa.array(numbers, pa.int64()),
        "replay_id": pa.array(["one" if number == 1 else None for number in numbers], pa.string()),
        "replayed_at": pa.array([NOON if number == 1 else None for number in numbers], pa.timestamp("us", tz="UTC")),
        "replayed_how": pa.array([None] * (COUNT + 1), pa.string()),
    }
    write_deltalake(f"{tmp_path}/cdp/quarantine", pa.table(columns), partition_by=["received_day"])
    opened = quarantine_open()
    assert opened
    return opened


def test_days_come_from_the_log(table: QuarantineTable) -> None:
    assert table.days == {DAY: COUNT, DAY - timedelta(days=1): 1}
    assert table.newest_day == DAY


def test_counts_by_reason_and_field(table: QuarantineTable) -> None:
    counts = {(each.reason, each.field): (each.messages, each.waiting) for each in groups_get(table, replace(BOTH, first=DAY))}
    assert counts == {("bad_type", "event_type"): (40, 39), ("not_json", ""): (20, 20)}


def test_pages_contain_every_message_once_newest_first(table: QuarantineTable) -> None:
    offsets: list[int] = []
    after: Place | None = None
    while True:
        rows = messages_get(table, replace(BOTH, state="all"), after)
        offsets += [row.offset for row in rows[:PAGE_SIZE]]
        if len(rows) <= PAGE_SIZE:
            break
        after = place_from_text(str(rows[PAGE_SIZE - 1].place))
    assert offsets == [*range(COUNT - 1, -1, -1), COUNT]


def test_filters(table: QuarantineTable) -> None:
    (replayed,) = messages_get(table, replace(BOTH, state="replayed"))
    assert (replayed.offset, replayed.replayed_at) == (1, NOON)
    assert {row.reason for row in messages_get(table, replace(BOTH, reason="not_json"))} == {"not_json"}
    assert {row.field for row in messages_get(table, replace(BOTH, field="event_type"))} == {"event_type"}
    assert messages_get(table, replace(BOTH, first=DAY - timedelta(days=9), last=DAY - timedelta(days=8))) == []


def test_payloads_for_people(table: QuarantineTable) -> None:
    texts = {row.reason: row.text for row in messages_get(table, BOTH)}
    assert texts == {"bad_type": '{\n  "a": "<b>"\n}', "not_json": "\\xff{"}


@pytest.mark.parametrize("text", ["", "1_2", "x_1_2", "1_2_x", "nan_1_2", "1e300_1_2", "1_99999999999_2"])
def test_wrong_places_are_refused(text: str) -> None:
    assert place_from_text(text) is None
