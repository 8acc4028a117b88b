"""Batches of messages for the reader, and its results one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from cdp.events.examples import RECEIVED, Content, message
from cdp.events.reading import MESSAGES_SCHEMA, ReadMessages
from tests.oracle.json_texts import Number, Pairs
from tests.oracle.messages import Event, Refusal


def make_batch(*contents: Content | None, first_offset: int = 0, received: datetime = RECEIVED) -> pa.RecordBatch:
    """Messages as Kafka delivers them: bytes, changes to the base event, or no value at all."""
    rows = [
        {
            "value": None if content is None else message(content),
            "topic": "events.raw",
            "partition": 0,
            "offset": first_offset + place,
            "timestamp": received,
        }
        for place, content in enumerate(contents)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=MESSAGES_SCHEMA)


def list_results(read: ReadMessages) -> list[Event | Refusal]:
    """What became of each message of a batch with offsets from 0, in their order, as the referee says it."""
    by_offset: dict[int, Event | Refusal] = {}
    rows = [*read.events.to_pylist(), *read.refusals.to_pylist()]
    for row in rows:
        by_offset[row["kafka_offset"]] = _make_event(row) if "event_id" in row else _make_refusal(row)
    assert sorted(by_offset) == list(range(len(rows))), "every message is in exactly one of the two tables"
    return [by_offset[offset] for offset in range(len(rows))]


def _make_event(row: dict[str, Any]) -> Event:
    values = {field.name: row[field.name] for field in fields(Event)}
    if values["extra"] is not None:
        values["extra"] = json.loads(values["extra"], object_pairs_hook=Pairs, parse_int=Number, parse_float=Number)
    return Event(**values)


def _make_refusal(row: dict[str, Any]) -> Refusal:
    return Refusal(row["reason"], row["field"], row["detail"])


def list_offsets(table: pa.Table) -> Sequence[int]:
    offsets: list[int] = table["kafka_offset"].to_pylist()
    return offsets
