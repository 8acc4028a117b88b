"""From messages to the rows and the account of a batch, without Spark and without servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from streaming.live.account import LiveCounts, account_for
from streaming.live.parse import ROWS_SCHEMA, LiveReader
from tests.streaming.live.examples import NOON, Sent, make_messages, send

READER = LiveReader("USD", timedelta(hours=24))


def read(sent: Sequence[Sent], first_offset: int = 0, partition: int = 0) -> pa.Table:
    return pa.Table.from_batches(READER(iter([make_messages(sent, first_offset, partition)])), ROWS_SCHEMA)


def minutes_after_noon(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_each_message_is_a_row_or_left_out_for_one_reason() -> None:
    day = 24 * 60
    sent = [
        send(0, "good", event_type="refund", amount="12.50", order_id="o1"),
        send(0, "as old as allowed", received=day),
        send(0, "too old", received=day + 0.001),
        send(1, "as far ahead as allowed", received=0),
        send(1.001, "too far ahead", received=0),
        send(0, "refused", price="cheap"),
    ]
    rows = read(sent, first_offset=7, partition=3)
    account, *events = rows.to_pylist()
    assert [event["event_id"] for event in events] == ["good", "as old as allowed", "as far ahead as allowed"]
    assert [(event["partition"], event["offset"]) for event in events] == [(3, 7), (3, 8), (3, 10)]
    refund = events[0]
    assert (refund["revenue"], refund["order_id"], refund["event_time"]) == (Decimal("-12.50"), "o1", NOON)
    outcomes = {each["offset"]: each["outcome"] for each in account["account"]}
    assert outcomes == {7: "good", 8: "good", 9: "old", 10: "good", 11: "ahead", 12: "refused"}
    assert {each["offset"] for each in account["account"] if each["time"] is not None} == {7, 8, 10}
    assert account["event_time"] is None
    assert account["event_id"] == "account:3:7"


def test_late_and_repeated_events_are_those_that_spark_did_not_let_through() -> None:
    sent = [
        send(0, "late"),
        send(10, "at the watermark"),
        send(11, "new"),
        send(11, "new"),
        send(0, "late"),
        send(1, "bad", price="x"),
    ]
    rows = read(sent)
    let_through = rows.filter(pc.is_in(rows.column("offset").fill_null(-1), pa.array([-1, 2])))
    batch = account_for(let_through, {}, minutes_after_noon(10))
    assert batch.counts == LiveCounts(received=6, late=3, refused=1, repeated=1)
    assert batch.events.column("event_id").to_pylist() == ["new"]
    assert batch.newest == minutes_after_noon(11)


def test_messages_that_were_counted_before_are_not_counted_again() -> None:
    sent = [send(0, "a"), send(1, "b"), send(1, "bad", price="x"), send(2, "c"), send(2, "c")]
    both = pa.concat_tables([read(sent), read([send(0, "d"), send(1, "e")], partition=1)])
    rows = both.filter(pc.not_equal(both.column("offset").fill_null(-1), 4))
    batch = account_for(rows, {0: 1, 1: 2}, None)
    assert batch.counts == LiveCounts(received=4, refused=1, repeated=1)
    assert batch.events.column("event_id").to_pylist() == ["b", "c"]
    assert account_for(rows, {0: 5, 1: 2}, None).counts == LiveCounts()
    everything = account_for(rows, {}, None)
    assert everything.counts == LiveCounts(received=7, refused=1, repeated=1)
    assert Counter(everything.events.column("partition").to_pylist()) == {0: 3, 1: 2}


def test_a_batch_of_refused_messages_alone() -> None:
    batch = account_for(read([send(0, "bad", price="x")]), {}, NOON)
    assert (batch.counts, len(batch.events), batch.newest) == (LiveCounts(received=1, refused=1), 0, None)
