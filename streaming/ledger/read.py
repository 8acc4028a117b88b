"""Reads what sums.py compares: the sums of the ledger in Postgres, and the row counts of the tables on HDFS. Read-only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json

from cdp import postgres
from cdp.errors import first_line
from cdp.lake.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.ledger import DROPPED_COLUMNS, REPLAYED_MESSAGE, count_dropped
from cdp.mart.daily import LAST_BATCHES, STREAM_BATCH, STREAM_LEDGER, parse_next_offsets
from cdp.settings import Settings
from streaming.ledger.shop import ShopSums, has_shop, read_shop_sums
from streaming.ledger.sums import LedgerGap, RecountedRange, StreamRange, TableCounts, TopicSums
from streaming.messages import Counts, Offsets, PartitionKey, Topic
from streaming.shop.sender import read_sent_positions

MOST_GAPS = 20
CLAIM_COLUMNS = [*REPLAYED_MESSAGE, "replayed_at"]
_PARTS = f"{STREAM_BATCH.full_name}, jsonb_each(offsets) p"
_START, _END, _COUNT = (f"(p.value->>'{name}')::bigint" for name in ("from", "until", "count"))
_HOURS = f"""
    SELECT topic, sum(received)::bigint, sum(good)::bigint, sum(quarantined)::bigint
    FROM {STREAM_LEDGER.full_name} GROUP BY 1 ORDER BY 1"""
_BY = "SELECT topic, key, sum(value::bigint)::bigint FROM {table}, jsonb_each_text({column}) GROUP BY 1, 2 ORDER BY 1, 3 DESC"
_IN_PARTITIONS = f"""
    SELECT topic, sum((p.value->>'count')::bigint)::bigint
    FROM {STREAM_LEDGER.full_name}, jsonb_each(partitions) p GROUP BY 1"""
_BATCHES = f"SELECT topic, count(*) FROM {STREAM_BATCH.full_name} GROUP BY 1"
_IN_BATCHES = f"SELECT topic, sum(received)::bigint FROM {STREAM_BATCH.full_name} GROUP BY 1"
_STREAM_RANGES = f"""
    SELECT stream, topic, topic_id, p.key::int, min({_START}), max({_END}), sum({_COUNT})::bigint, min(written_at)
    FROM {_PARTS} GROUP BY 1, 2, 3, 4 ORDER BY 8, 1, 4"""
_RETAINED = f"""
    SELECT stream, p.key::int, min({_START}), max({_END}), sum({_COUNT})::bigint
    FROM {_PARTS} WHERE topic_id = %s AND {_START} >= (%s::jsonb->>p.key)::bigint GROUP BY 1, 2 ORDER BY 2, min(written_at)"""
#: A new partition is read from offset 0. The window is in the order of the primary key, so millions of rows need no sort.
_GAPS = f"""
    SELECT stream, batch, p.key::int, expected, {_START} FROM (
        SELECT stream, batch, offsets, lag(offsets) OVER (PARTITION BY stream ORDER BY batch) AS before
        FROM {STREAM_BATCH.full_name}) batches, jsonb_each(offsets) p,
        LATERAL (SELECT coalesce((before->p.key->>'until')::bigint, CASE WHEN batch > 0 THEN 0 END) AS expected) previous
    WHERE {_START} <> expected ORDER BY 1, 2, 3 LIMIT {MOST_GAPS}"""
_NEXT = f"SELECT offsets FROM {LAST_BATCHES} WHERE topic_id = %s ORDER BY written_at DESC LIMIT 1"


class LedgerUnreadable(RuntimeError):
    """Postgres or HDFS can't be read."""


@dataclass(frozen=True, slots=True)
class LedgerContents:
    """What the ledger says at one moment."""

    topics: Sequence[TopicSums] = ()
    stream_ranges: Sequence[StreamRange] = ()
    gaps: Sequence[LedgerGap] = ()


def read_ledger(settings: Settings) -> LedgerContents:
    """Empty contents if no stream ever ran."""
    with open_cursor(settings) as cursor:
        return _read_contents(cursor) if _has_ledger(cursor) else LedgerContents()


def read_shop(settings: Settings) -> ShopSums | None:
    """None if the stream "shop" never ran."""
    with open_cursor(settings) as cursor:
        return read_shop_sums(cursor, read_sent_positions(settings)) if has_shop(cursor) else None


def read_next_offsets(settings: Settings, topic: Topic) -> Offsets:
    """The end of the most recent batch that read this topic; empty if there is none."""
    with open_cursor(settings) as cursor:
        if not _has_ledger(cursor):
            return {}
        cursor.execute(_NEXT, [topic.id])
        row = cursor.fetchone()
        offsets = parse_next_offsets(row[0]) if row else {}
        return {PartitionKey(topic.name, number): offset for number, offset in offsets.items()}


def read_retained_ranges(settings: Settings, topic: Topic) -> list[RecountedRange]:
    """The ranges of each stream that Kafka still has; batches of which Kafka has only a part are left out."""
    lows = Json({str(number): partition.start for number, partition in topic.partitions.items()})
    with open_cursor(settings) as cursor:
        cursor.execute(_RETAINED, [topic.id, lows])
        return [RecountedRange(*row) for row in cursor.fetchall()]


@contextmanager
def open_cursor(settings: Settings, program: str = "cdp ledger") -> Iterator[Cursor]:
    """A read-only cursor; all its statements see the database at one moment."""
    try:
        connection = psycopg2.connect(**postgres.connection_arguments(settings, program))
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.Error as error:
        where, why = postgres.place(settings), first_line(error)
        raise LedgerUnreadable(f"Postgres at {where} can't be read: {why}; see ./run status.") from error


def _has_ledger(cursor: Cursor) -> bool:
    cursor.execute(postgres.TABLE_EXISTS, [STREAM_BATCH.full_name])
    ((exists,),) = cursor.fetchall()
    return bool(exists)


def _read_contents(cursor: Cursor) -> LedgerContents:
    cursor.execute(_STREAM_RANGES)
    stream_ranges = [StreamRange(*row) for row in cursor.fetchall()]
    cursor.execute(_GAPS)
    gaps = [LedgerGap(*row) for row in cursor.fetchall()]
    return LedgerContents(_read_topics(cursor), stream_ranges, gaps)


def _read_topics(cursor: Cursor) -> list[TopicSums]:
    reasons, late = _sum_by_key(cursor, "reasons"), _sum_by_key(cursor, "late")
    statements = (_IN_PARTITIONS, _IN_BATCHES, _BATCHES)
    in_partitions, in_batches, batches = (_read_numbers(cursor, statement) for statement in statements)
    cursor.execute(_HOURS)
    return [
        TopicSums(
            topic=topic,
            batches=batches[topic],
            counts=Counts(*counts),
            reasons=reasons[topic],
            late=late[topic],
            in_partitions=in_partitions[topic],
            in_batches=in_batches[topic],
        )
        for topic, *counts in cursor.fetchall()
    ]


def _sum_by_key(cursor: Cursor, column: str) -> Mapping[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    cursor.execute(_BY.format(table=STREAM_LEDGER.full_name, column=column))
    for topic, key, count in cursor.fetchall():
        sums[topic][key] = count
    return sums


def _read_numbers(cursor: Cursor, statement: str) -> Mapping[str, int]:
    """A number per topic, 0 for a topic without a row."""
    cursor.execute(statement)
    return defaultdict(int, cursor.fetchall())


def read_table_counts(settings: Settings) -> TableCounts:
    """Row counts come from the tables' logs; of data files, only a few columns of quarantine are read."""
    try:
        events, quarantine, compactions = (_open_table(settings, name) for name in (EVENTS, QUARANTINE, COMPACTIONS))
        dropped = _count_dropped(compactions, events) if compactions and events else 0
        replayed, replayed_events, claimed = _count_replayed(quarantine) if quarantine else (0, 0, 0)
        return TableCounts(_count_rows(events), dropped, _count_rows(quarantine), replayed, replayed_events, claimed)
    except (DeltaError, OSError) as error:
        raise LedgerUnreadable(
            f"the tables on {settings.hdfs_url} can't be read: {first_line(error)}; see ./run status namenode"
        ) from error


def _open_table(settings: Settings, name: str) -> DeltaTable | None:
    try:
        return DeltaTable(table_url(settings, name))
    except TableNotFoundError:
        return None


def _count_rows(table: DeltaTable | None) -> int:
    return 0 if table is None else sum(pa.table(table.get_add_actions(flatten=True))["num_records"].to_pylist())


def _count_dropped(compactions: DeltaTable, events: DeltaTable) -> int:
    rows = compactions.to_pyarrow_dataset().to_table([*DROPPED_COLUMNS]).to_pylist()
    return count_dropped(rows, str(events.metadata().id), events.version())


def _count_replayed(quarantine: DeltaTable) -> tuple[int, int, int]:
    """Replayed rows, the events that they became, and rows that an interrupted replay has claimed. A table older than the
    replay has none of its columns."""
    dataset = quarantine.to_pyarrow_dataset()
    if not set(CLAIM_COLUMNS) <= set(dataset.schema.names):
        return 0, 0, 0
    claimed = dataset.to_table(CLAIM_COLUMNS, pc.field("replay_id").is_valid())
    replayed = claimed.filter(pc.field("replayed_at").is_valid())
    events = replayed.group_by([*REPLAYED_MESSAGE]).aggregate([])
    return replayed.num_rows, events.num_rows, claimed.num_rows - replayed.num_rows
