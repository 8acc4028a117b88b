"""Reads messages as events of the live windows, in Python workers of Spark, and accounts for each message.

The module imports no Spark, so a new worker starts soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from cdp.events.reading import MESSAGES_SCHEMA, EventReader, open_reader
from cdp.kinds import DIGITS, MONEY, MONEY_SCALE

#: An event received longer than this before its time comes from a wrong clock. It may not move the watermark.
MOST_AHEAD = timedelta(minutes=1)
GOOD, REFUSED, OLD, AHEAD = "good", "refused", "old", "ahead"
_TIME = pa.timestamp("us", "UTC")
_PLACE = {"partition": pa.int32(), "offset": pa.int64()}
#: What became of each message of a batch. Only a good message has a time.
ACCOUNT_SCHEMA = pa.schema({**_PLACE, "outcome": pa.string(), "time": _TIME})
#: A row is an event, or else holds the account of many messages, so that few rows without an event pass through Spark's state.
ROWS_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("event_id", "user_id", "event_type", "product_id", "category_code", "brand", "order_id"), pa.string()),
        "event_time": _TIME, "quantity": pa.int32(), "revenue": pa.decimal128(DIGITS, MONEY_SCALE), **_PLACE,
        "account": pa.list_(pa.struct(ACCOUNT_SCHEMA)),
    }
)  # fmt: skip
ROWS = f"""
    event_id string, user_id string, event_type string, product_id string, category_code string, brand string, order_id string,
    event_time timestamp, quantity int, revenue {MONEY}, `partition` int, offset bigint,
    account array<struct<`partition`: int, offset: bigint, outcome: string, time: timestamp>>"""


@dataclass(frozen=True, slots=True)
class LiveReader:
    """What a task does with its messages."""

    currency: str
    most_age: timedelta

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        reader = open_reader(self.currency)
        for batch in batches:
            if batch.num_rows:
                yield self._read(reader, batch.cast(MESSAGES_SCHEMA))

    def _read(self, reader: EventReader, messages: pa.RecordBatch) -> pa.RecordBatch:
        read = reader.read(messages)
        outcome = self._judge(read.events)
        is_good = pc.equal(outcome, GOOD)
        times = pc.if_else(is_good, read.events.column("event_time"), None)
        refused = pa.array([REFUSED] * len(read.refusals), pa.string())
        no_time = pa.nulls(len(read.refusals), _TIME)
        accounts = [_make_account(read.events, outcome, times), _make_account(read.refusals, refused, no_time)]
        return _put_together(_name_place(read.events.filter(is_good)), pa.concat_tables(accounts))

    def _judge(self, events: pa.Table) -> pa.ChunkedArray:
        age = pc.subtract(events.column("received_at"), events.column("event_time"))
        conditions = pc.make_struct(pc.greater(age, pa.scalar(self.most_age)), pc.less(age, pa.scalar(-MOST_AHEAD)))
        return pc.case_when(conditions, OLD, AHEAD, GOOD)


def _name_place(rows: pa.Table) -> pa.Table:
    """The rows with their place in the topic under the names that it has here."""
    return rows.append_column("partition", rows.column("kafka_partition")).append_column("offset", rows.column("kafka_offset"))


def _make_account(rows: pa.Table, outcome: pa.Array | pa.ChunkedArray, times: pa.Array | pa.ChunkedArray) -> pa.Table:
    columns = [rows.column("kafka_partition"), rows.column("kafka_offset"), outcome, times]
    return pa.table(columns, schema=ACCOUNT_SCHEMA)


def _put_together(events: pa.Table, account: pa.Table) -> pa.RecordBatch:
    """The events, and a row with the account. Its id is unique, so that Spark takes it for no repetition; it has no time and
    can't be late."""
    first = account.slice(0, 1).to_pylist()[0]
    struct = account.to_struct_array().combine_chunks()
    row = {
        "event_id": pa.array([f"account:{first['partition']}:{first['offset']}"]),
        "user_id": pa.array([""]),
        "account": pa.ListArray.from_arrays([0, len(struct)], struct),
    }
    names = [name for name in ROWS_SCHEMA.names if name in events.column_names]
    rows = pa.concat_tables([pa.table(row), events.select(names)], promote_options="default")
    return rows.select(ROWS_SCHEMA.names).cast(ROWS_SCHEMA).combine_chunks().to_batches()[0]
