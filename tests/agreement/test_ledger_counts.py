"""The stream's ledger and the night's gate count the same copies and the same replayed events. On local tables, without Spark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from batch.gate import ledger as gate
from batch.hdfs.changes import EventFile, EventFiles
from cdp.lake.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.settings import Settings, load
from streaming.ledger.read import read_table_counts

NOON = datetime(2019, 10, 1, 12, tzinfo=UTC)
QUARANTINE_TYPES = pa.schema(
    [
        ("replay_id", pa.string()), ("replayed_at", pa.timestamp("us", "UTC")), ("kafka_topic", pa.string()),
        ("kafka_partition", pa.int32()), ("kafka_offset", pa.int64()), ("received_at", pa.timestamp("us", "UTC")),
    ]
)  # fmt: skip


def write(settings: Settings, name: str, rows: list[dict[str, Any]], schema: pa.Schema | None = None, replay: str = "") -> None:
    folder = table_url(settings, name).removeprefix("file:")
    properties = CommitProperties(app_transactions=[Transaction(replay, 1)]) if replay else None
    write_deltalake(folder, pa.Table.from_pylist(rows, schema), mode="append", commit_properties=properties)


def refuse(offset: int, replay: str | None = None, at: datetime | None = None) -> dict[str, Any]:
    row = {"replay_id": replay, "replayed_at": at, "kafka_topic": "raw", "kafka_partition": 0}
    return row | {"kafka_offset": offset, "received_at": NOON}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three versions of the events. Replay r1 is complete, and r2 was interrupted before it wrote its events."""
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")
    write(settings, EVENTS, [{"n": 1}, {"n": 2}])
    write(settings, EVENTS, [{"n": 3}], replay="r1")
    write(settings, EVENTS, [{"n": 4}])
    table_id = str(DeltaTable(table_url(settings, EVENTS)).metadata().id)
    compactions = [(table_id, 0, 5), (table_id, 2, 2), (table_id, 3, 1), ("another table", 0, 100)]
    write(settings, COMPACTIONS, [dict(zip(("table_id", "version", "dropped"), row, strict=True)) for row in compactions])
    # Offset 7 is in quarantine twice, as after a lost checkpoint.
    replayed = [refuse(7, "r1", NOON), refuse(7, "r1", NOON)]
    write(settings, QUARANTINE, [*replayed, refuse(8, "r2"), refuse(9)], QUARANTINE_TYPES)
    return settings


def test_both_count_the_same_copies_and_replayed_events(settings: Settings) -> None:
    counts = read_table_counts(settings)
    assert (counts.events, counts.dropped, counts.quarantined) == (4, 7, 4)
    assert (counts.replayed, counts.replayed_events, counts.claimed) == (2, 1, 1)
    table = DeltaTable(table_url(settings, EVENTS))
    files = EventFiles(str(table.metadata().id), table.version(), {NOON.date(): [EventFile("x", 1, 4)]})
    assert gate._count_dropped(settings, files) == counts.dropped
    assert gate._count_replayed(settings, table) == counts.replayed_events


def test_gate_counts_up_to_the_version_that_the_night_reads(settings: Settings) -> None:
    table = DeltaTable(table_url(settings, EVENTS), version=0)
    files = EventFiles(str(table.metadata().id), 0, {})
    assert gate._count_dropped(settings, files) == 5
    assert gate._count_replayed(settings, table) == 0
