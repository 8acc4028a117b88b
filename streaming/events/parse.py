"""Messages in a Spark frame, read by the contract: what the replay works on, row by row beside its quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.events.fields import BOUNDS, Bounds
from cdp.events.reading import EVENTS_SCHEMA, MESSAGES_SCHEMA, EventReader, ReadMessages, to_days
from cdp.events.repairs import TextChange
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS
from cdp.spark import map_in_arrow

_PARSED = EVENTS_TABLE.ddl + ", refusal struct<reason: string, field: string, detail: string>, received_day date, payload binary"
_REFUSAL = ("reason", "field", "detail")


def parse(messages: DataFrame, bounds: Bounds = BOUNDS, changes: Sequence[TextChange] = ()) -> DataFrame:
    """The columns of both tables side by side; `refusal` is null if the message is a good event."""
    return map_in_arrow(messages.select(*MESSAGES_SCHEMA.names), partial(_read_batches, bounds, changes), _PARSED)


def select_events(parsed: DataFrame) -> DataFrame:
    return parsed.where(F.col("refusal").isNull()).select(*EVENTS_TABLE.column_names)


def select_refusals(parsed: DataFrame) -> DataFrame:
    replay_columns = [F.lit(None).cast(kind).alias(name) for name, kind in REPLAY_COLUMNS.items()]
    refusals = parsed.where(F.col("refusal").isNotNull()).select("*", "refusal.*", *replay_columns)
    return refusals.select(*QUARANTINE_TABLE.column_names)


def _read_batches(bounds: Bounds, changes: Sequence[TextChange], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with EventReader(bounds, changes) as reader:
        for batch in batches:
            yield from _put_side_by_side(reader.read(batch.cast(MESSAGES_SCHEMA))).to_batches()


def _put_side_by_side(read: ReadMessages) -> pa.Table:
    events, refusals = read.events, read.refusals
    refusal = pa.StructArray.from_arrays([refusals.column(name).combine_chunks() for name in _REFUSAL], _REFUSAL)
    refused = refusals.drop_columns([*_REFUSAL]).append_column("refusal", refusal)
    days = to_days(events.column("received_at"))
    both = pa.concat_tables([events.append_column("received_day", days), refused], promote_options="default")
    return both.select([*EVENTS_SCHEMA.names, "refusal", "received_day", "payload"]).combine_chunks()
