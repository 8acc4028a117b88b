"""Reads what sums.py judges: the sums of the ledger in Postgres, and the rows of the tables on HDFS. Changes nothing."""

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

from cdp import postgres
from cdp.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.said import first_line
from cdp.settings import Settings
from cdp.warehouse import STREAM_BATCH, STREAM_LEDGER
from streaming.account import Counts
from streaming.ledger.sums import Gap, Hdfs, Reach, Recount, TopicSums
from streaming.topic import Topic

MOST_GAPS = 20
REPLAYED = ["replay_id", "replayed_at", "kafka_topic", "kafka_partition", "kafka_offset", "received_at"]
_PARTS = f"{STREAM_BATCH.full_name}, jsonb_each(offsets) p"
_START, _END, _COUNT = (f"(p.value->>'{name}')::bigint" for name in ("from", "until", "count"))
_HOURS = f"""
    SELECT topic, sum(received)::bigint, sum(good)::bigint, sum(quarantined)::bigint
    FROM {STREAM_LEDGER.full_name} GROUP BY 1 ORDER BY 1"""
_BY = "SELECT topic, key, sum(value::bigint)::bigint FROM {table}, jsonb_each_text({column}) GROUP BY 1, 2 ORDER BY 1, 3 DESC"
_IN_PARTITIONS = f"""
    SELECT topic, sum((p.value->>'count')::bigint)::bigint
    FROM {STREAM_LEDGER.full_name}, jsonb_each(partitions) p GROUP BY 1"""
#: Those of a day that is long over have become one, and have left their numbers (fold.py).
_BATCHES = f"""
    SELECT topic, sum(number)::bigint FROM (
        SELECT topic, max(batch) - min(batch) + 1 AS number FROM {STREAM_BATCH.full_name} GROUP BY stream, topic) streams
    GROUP BY 1"""
_IN_BATCHES = f"SELECT topic, sum(received)::bigint FROM {STREAM_BATCH.full_name} GROUP BY 1"
_REACHES = f"""
    SELECT stream, topic, topic_id, p.key::int, min({_START}), max({_END}), sum({_COUNT})::bigint, min(written_at)
    FROM {_PARTS} GROUP BY 1, 2, 3, 4 ORDER BY 8, 1, 4"""
_RETAINED = f"""
    SELECT stream, p.key::int, min({_START}), max({_END}), sum({_COUNT})::bigint
    FROM {_PARTS} WHERE topic_id = %s AND p.key = %s AND {_START} >= %s GROUP BY 1, 2 ORDER BY min(written_at)"""
#: A partition that comes into being is taken from its beginning.
_GAPS = f"""
    SELECT stream, batch, partition, expected, found FROM (
        SELECT stream, batch, p.key::int AS partition, {_START} AS found,
            lag({_END}, 1, CASE WHEN batch > 0 THEN 0 END) OVER (PARTITION BY stream, p.key ORDER BY batch) AS expected
        FROM {_PARTS}) spans
    WHERE found <> expected ORDER BY stream, batch, partition LIMIT {MOST_GAPS}"""


class LedgerUnread(RuntimeError):
    """A store does not say what it holds."""


@dataclass(frozen=True, slots=True)
class Written:
    """The ledger as it is at one moment."""

    topics: Sequence[TopicSums] = ()
    reaches: Sequence[Reach] = ()
    gaps: Sequence[Gap] = ()


def written(settings: Settings) -> Written:
    """Nothing where no stream ever ran."""
    with _cursor(settings) as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [STREAM_BATCH.full_name])
        ((there,),) = cursor.fetchall()
        return _written(cursor) if there else Written()


def retained(settings: Settings, topic: Topic) -> list[Recount]:
    """What Kafka still has of the batches of each stream; a batch of which a part has left is passed over."""
    found = []
    with _cursor(settings) as cursor:
        for number, held in topic.partitions.items():
            cursor.execute(_RETAINED, [topic.id, str(number), held.low])
            found += [Recount(*row) for row in cursor.fetchall()]
    return found


@contextmanager
def _cursor(settings: Settings) -> Iterator[Cursor]:
    """All that it reads is of one moment."""
    try:
        connection = psycopg2.connect(**postgres.connection_arguments(settings, "cdp ledger"))
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.Error as error:
        where, why = postgres.place(settings), first_line(error)
        raise LedgerUnread(f"the ledger in Postgres at {where} can't be read: {why}; see ./run status.") from error


def _written(cursor: Cursor) -> Written:
    cursor.execute(_REACHES)
    reaches = [Reach(*row) for row in cursor.fetchall()]
    cursor.execute(_GAPS)
    return Written(_topics(cursor), reaches, [Gap(*row) for row in cursor.fetchall()])


def _topics(cursor: Cursor) -> list[TopicSums]:
    reasons, late = _by(cursor, "reasons"), _by(cursor, "late")
    in_partitions, in_batches, batches = (_numbers(cursor, asked) for asked in (_IN_PARTITIONS, _IN_BATCHES, _BATCHES))
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


def _by(cursor: Cursor, column: str) -> Mapping[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    cursor.execute(_BY.format(table=STREAM_LEDGER.full_name, column=column))
    for topic, key, count in cursor.fetchall():
        found[topic][key] = count
    return found


def _numbers(cursor: Cursor, statement: str) -> Mapping[str, int]:
    """0 of a topic of which there is no row."""
    cursor.execute(statement)
    return defaultdict(int, cursor.fetchall())


def hdfs_now(settings: Settings) -> Hdfs:
    """Rows by the log alone; only of quarantine a few columns are read."""
    try:
        events, quarantine, compactions = (_table(settings, name) for name in (EVENTS, QUARANTINE, COMPACTIONS))
        dropped = _dropped(compactions, events) if compactions and events else 0
        replayed, replayed_events, claimed = _replayed(quarantine) if quarantine else (0, 0, 0)
        return Hdfs(_rows(events), dropped, _rows(quarantine), replayed, replayed_events, claimed)
    except (DeltaError, OSError) as error:
        raise LedgerUnread(
            f"the tables on {settings.hdfs_url} can't be read: {first_line(error)}; see ./run status namenode"
        ) from error


def _table(settings: Settings, name: str) -> DeltaTable | None:
    try:
        return DeltaTable(table_url(settings, name))
    except TableNotFoundError:
        return None


def _rows(table: DeltaTable | None) -> int:
    return 0 if table is None else sum(pa.table(table.get_add_actions(flatten=True))["num_records"].to_pylist())


def _dropped(compactions: DeltaTable, events: DeltaTable) -> int:
    """Of this table of events: one that was made anew has another id."""
    mine = compactions.to_pyarrow_dataset().to_table(["dropped"], pc.field("table_id") == str(events.metadata().id))
    return sum(mine["dropped"].to_pylist())


def _replayed(quarantine: DeltaTable) -> tuple[int, int, int]:
    """Rows that are replayed, the events that they became, and rows that a replay which was cut off holds. A table of before
    there was a replay has no columns of it."""
    dataset = quarantine.to_pyarrow_dataset()
    if not set(REPLAYED) <= set(dataset.schema.names):
        return 0, 0, 0
    taken = dataset.to_table(REPLAYED, pc.field("replay_id").is_valid())
    done = taken.filter(pc.field("replayed_at").is_valid())
    return done.num_rows, done.group_by(REPLAYED).aggregate([]).num_rows, taken.num_rows - done.num_rows
