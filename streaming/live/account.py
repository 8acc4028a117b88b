"""What a batch adds to the live numbers: its new events, and how many messages are left out for each reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from streaming.live.parse import ACCOUNT_SCHEMA, AHEAD, GOOD, OLD, REFUSED


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """received = the events of the windows + late + old + ahead + refused + repeated, always."""

    received: int = 0
    late: int = 0
    old: int = 0
    ahead: int = 0
    refused: int = 0
    repeated: int = 0


COUNT_NAMES = tuple(field.name for field in fields(LiveCounts))


@dataclass(frozen=True, slots=True)
class LiveBatch:
    events: pa.Table
    counts: LiveCounts
    newest: datetime | None  # time of its newest event


def account_for(rows: pa.Table, counted: Mapping[int, int], watermark: datetime | None) -> LiveBatch:
    """`rows` are what Spark let through: each event once, none that is as old as the watermark. A message before its partition's
    offset in `counted` was counted by an earlier batch."""
    events = rows.filter(pc.is_valid(rows.column("event_time")))
    account = pa.Table.from_struct_array(_flatten(rows.column("account")))
    newest = pc.max(events.column("event_time")).as_py()
    events, account = (each.filter(_is_new(each, counted)) for each in (events, account))
    outcomes = {pair["values"]: pair["counts"] for pair in account.column("outcome").value_counts().to_pylist()}
    late = pc.sum(pc.less_equal(account.column("time"), pa.scalar(watermark, pa.timestamp("us", "UTC")))).as_py() or 0
    counts = LiveCounts(
        received=len(account),
        late=late,
        old=outcomes.get(OLD, 0),
        ahead=outcomes.get(AHEAD, 0),
        refused=outcomes.get(REFUSED, 0),
        repeated=outcomes.get(GOOD, 0) - late - len(events),
    )
    return LiveBatch(events, counts, newest)


def _flatten(accounts: pa.ChunkedArray) -> pa.StructArray:
    flat = pc.list_flatten(accounts)
    return flat.combine_chunks() if len(flat) else pa.array([], pa.struct(ACCOUNT_SCHEMA))


def _is_new(rows: pa.Table, counted: Mapping[int, int]) -> pa.ChunkedArray:
    """Few partitions, so one comparison for each."""
    is_new = pc.is_valid(rows.column("partition"))
    for partition, offset in counted.items():
        is_before = pc.and_(pc.equal(rows.column("partition"), partition), pc.less(rows.column("offset"), offset))
        is_new = pc.and_not(is_new, is_before)
    return is_new
