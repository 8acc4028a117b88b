"""What the stream "shop" has read of each topic: its part of the ledger, which also tells where it resumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from psycopg2.extensions import cursor as Cursor

from cdp.mart.shop import READING, REFUSED
from cdp.programs import SHOP_STREAM
from streaming.lock import LockedConnection
from streaming.messages import OffsetRange, PartitionKey, StreamPosition
from streaming.resume import CannotResume, describe_remedy
from streaming.shop.changes import Counts, Refusal
from streaming.shop.rows import encode

_LAST_STREAM = f"SELECT stream FROM {READING.full_name} ORDER BY batch DESC LIMIT 1"
_POSITION = f"SELECT topic, topic_id, next_offset FROM {READING.full_name} WHERE stream = %s"
_STATE = f"SELECT topic, next_offset, stream_batch, snapshot_batch FROM {READING.full_name} WHERE stream = %s"
_ADD = f"""
    INSERT INTO {READING.full_name} AS r VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now())
    ON CONFLICT (stream, topic) DO UPDATE SET next_offset = excluded.next_offset, received = r.received + excluded.received,
        applied = r.applied + excluded.applied, superseded = r.superseded + excluded.superseded,
        tombstones = r.tombstones + excluded.tombstones, refused = r.refused + excluded.refused,
        snapshot_batch = excluded.snapshot_batch, stream_batch = excluded.stream_batch, batch = excluded.batch,
        newest_change = excluded.newest_change, written_at = excluded.written_at"""
_REFUSE = f"""
    INSERT INTO {REFUSED.full_name}
    SELECT %s, r.topic, r.kafka_offset, r.received_at, r.reason, r.detail, r.message_key, r.payload
    FROM json_to_recordset(%s) AS r (topic text, kafka_offset bigint, received_at timestamptz, reason text, detail text,
        message_key text, payload text)"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the stream had read before a batch. `snapshots` has the tables whose rows have not all come yet, each with the
    batch in which the first came."""

    next_offsets: Mapping[str, int]
    last_batch: int  # as Spark counts; -1 before the first
    snapshots: Mapping[str, int]
    new_number: int


def read_state(cursor: Cursor, stream: str) -> Reading:
    cursor.execute(f"SELECT coalesce(max(batch), 0) + 1 FROM {READING.full_name}")
    ((number,),) = cursor.fetchall()
    cursor.execute(_STATE, [stream])
    rows = cursor.fetchall()
    return Reading(
        next_offsets={topic: offset for topic, offset, _, _ in rows},
        last_batch=max((batch for _, _, batch, _ in rows), default=-1),
        snapshots={topic: snapshot for topic, _, _, snapshot in rows if snapshot is not None},
        new_number=number,
    )


def require_complete(reading: Reading, batch: int, ranges: Sequence[OffsetRange]) -> None:
    """Raise CannotResume if Postgres lacks batches that the stream has committed, as after a restore from a backup."""
    lost = [each for each in ranges if reading.next_offsets.get(each.topic, each.start) != each.start]
    if lost or (batch > 0 and not reading.next_offsets):
        raise CannotResume(
            f"the tables of the schema shop in Postgres are older than the stream's checkpoint, which is at batch {batch}."
            f" {describe_remedy(SHOP_STREAM)}"
        )


@dataclass(frozen=True, slots=True)
class TopicReading:
    """What a batch has read of a topic."""

    topic_id: str
    offsets: OffsetRange
    counts: Counts
    snapshot: int | None  # as in Reading
    newest: datetime | None  # when the newest change was committed


def add_counts(cursor: Cursor, stream: str, batch: int, number: int, reading: TopicReading) -> None:
    offsets, counts = reading.offsets, reading.counts
    numbers = (counts.received, counts.applied, counts.superseded, counts.tombstones, counts.refused)
    row = (
        stream,
        offsets.topic,
        reading.topic_id,
        offsets.start,
        offsets.end,
        *numbers,
        reading.snapshot,
        batch,
        number,
        reading.newest,
    )
    cursor.execute(_ADD, row)


def keep_refusals(cursor: Cursor, stream: str, refusals: Sequence[Refusal]) -> None:
    if not refusals:
        return
    rows = [
        {
            "topic": message.topic, "kafka_offset": message.offset, "received_at": message.received_at.isoformat(),
            "reason": reason, "detail": _as_text(detail.encode()), "message_key": _as_text(message.key),
            "payload": _as_text(message.value),
        }
        for message, reason, detail in refusals
    ]  # fmt: skip
    cursor.execute(_REFUSE, [stream, encode(rows)])


def _as_text(value: bytes | None) -> str | None:
    """Postgres has no text with the character NUL."""
    return None if value is None else value.decode(errors="replace").replace("\0", "\ufffd")


def read_position(connection: LockedConnection, topics: Sequence[str], stream: str | None) -> StreamPosition | None:
    """Where the stream, or the last one if none is named, has read the topics to. None if it has read nothing."""
    rows = [row for row in connection.read(partial(_read_rows, stream=stream)) if row[0] in topics]
    if not rows:
        return None
    return StreamPosition(
        {topic: topic_id for topic, topic_id, _ in rows}, {PartitionKey(topic, 0): offset for topic, _, offset in rows}
    )


def _read_rows(cursor: Cursor, stream: str | None) -> list[tuple[str, str, int]]:
    if stream is None:
        cursor.execute(_LAST_STREAM)
        stream = next((each for (each,) in cursor.fetchall()), None)
    cursor.execute(_POSITION, [stream])
    return list(cursor.fetchall())
