"""Reads batches of Kafka's messages as rows of the tables of events and of quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from cdp.events.fields import BOUNDS, Bounds
from cdp.events.reading.checks import make_checks
from cdp.events.reading.query import Texts, read_columns
from cdp.events.reading.sql import PreparedQuery, open_engine
from cdp.events.reading.texts import EXTRA, have_escapes, select_fields, to_json_texts
from cdp.events.repairs import TextChange
from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS

_TIME = pa.timestamp("us", "UTC")
_TYPES = {
    "string": pa.string(),
    "binary": pa.binary(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "timestamp": _TIME,
    f"decimal({PRICE_DIGITS},{MONEY_SCALE})": pa.decimal128(PRICE_DIGITS, MONEY_SCALE),
    f"decimal({DIGITS},{MONEY_SCALE})": pa.decimal128(DIGITS, MONEY_SCALE),
}


def _make_schema(columns: Mapping[str, str]) -> pa.Schema:
    return pa.schema([(name, _TYPES[kind]) for name, kind in columns.items()])


#: A message as Spark's Kafka source delivers it.
MESSAGES_SCHEMA = _make_schema(
    {"value": "binary", "topic": "string", "partition": "int", "offset": "bigint", "timestamp": "timestamp"}
)
EVENTS_SCHEMA = _make_schema(EVENTS_TABLE.columns)
REPLAY_SCHEMA = _make_schema(REPLAY_COLUMNS)
REFUSALS_SCHEMA = _make_schema({name: kind for name, kind in QUARANTINE_TABLE.columns.items() if name not in REPLAY_COLUMNS})


_LINES = pa.schema({"j": pa.string(), "received_at": pa.timestamp("us")})


@dataclass(frozen=True, slots=True)
class ReadMessages:
    """The rows of both tables, each in the order of the messages. A message is in exactly one of them."""

    events: pa.Table
    refusals: pa.Table


class EventReader:
    """Reads messages by the contract, with the bounds and the repairs of a replay if there are any. Not for several threads."""

    def __init__(self, bounds: Bounds = BOUNDS, changes: Sequence[TextChange] = ()) -> None:
        self._checks = make_checks(bounds)
        self._engine = open_engine()
        self._make_query = partial(_make_query, bounds, changes)
        self._queries: dict[bool, PreparedQuery] = {}  # by whether texts may have escapes

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, messages: pa.RecordBatch) -> ReadMessages:
        texts = to_json_texts(messages.column("value"))
        received = messages.column("timestamp").cast(pa.timestamp("us"))
        lines = pa.table([texts, received], schema=_LINES)
        rows = self._prepare(have_escapes(texts)).run(lines)
        code = rows.column("code").to_numpy()
        is_event = pa.array(code == 0)
        if code.any():
            refused = pc.invert(is_event)
            return ReadMessages(
                _make_events(rows.filter(is_event), messages.filter(is_event)),
                self._make_refusals(rows.filter(refused), messages.filter(refused)),
            )
        return ReadMessages(_make_events(rows, messages), REFUSALS_SCHEMA.empty_table())

    def _prepare(self, escapes: bool) -> PreparedQuery:
        """Planned when it is first needed: most batches need the same one of the two."""
        if escapes not in self._queries:
            self._queries[escapes] = PreparedQuery(self._engine, _LINES, partial(self._make_query, escapes))
        return self._queries[escapes]

    def _make_refusals(self, rows: pa.Table, messages: pa.RecordBatch) -> pa.Table:
        checks = [self._checks[code - 1] for code in rows.column("code").to_pylist()]
        faults = rows.column("fault").to_pylist()
        columns = {
            "reason": pa.array([check.reason for check in checks]),
            "field": pa.array([check.field for check in checks], pa.string()),
            "detail": pa.array([check.describe(fault or "") for check, fault in zip(checks, faults, strict=True)]),
            "payload": messages.column("value"),
            "received_day": to_days(messages.column("timestamp")),
        }
        return _select(REFUSALS_SCHEMA, columns | _make_origin(messages))


@cache
def open_reader(currency: str) -> EventReader:
    """One for all batches of a worker's process: its queries are planned once."""
    return EventReader(replace(BOUNDS, currency=currency))


def _make_query(bounds: Bounds, changes: Sequence[TextChange], escapes: bool, source: str) -> str:
    frame = select_fields(source, f"{EXTRA} AS extra, received_at")
    return read_columns(Texts(frame, ("extra",), has_escapes=escapes), bounds, changes)


def _make_events(rows: pa.Table, messages: pa.RecordBatch) -> pa.Table:
    columns = {name: rows.column(name) for name in rows.column_names if name in EVENTS_SCHEMA.names}
    return _select(EVENTS_SCHEMA, columns | _make_origin(messages))


def to_days(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The days of instants in UTC."""
    return times.cast(pa.timestamp("us")).cast(pa.date32())


def _make_origin(messages: pa.RecordBatch) -> dict[str, pa.Array]:
    return {
        "received_at": messages.column("timestamp"),
        "kafka_topic": messages.column("topic"),
        "kafka_partition": messages.column("partition"),
        "kafka_offset": messages.column("offset"),
    }


def _select(schema: pa.Schema, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    return pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)
