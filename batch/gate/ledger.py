"""The stream's ledger beside the events that a night has read, for one version of the table. Reads only.

Delta's log says up to which batch of each stream a version goes, so that both are of the same messages, however far the stream
has gone since. How it stands now, with Kafka, is the business of ./run ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc
from deltalake import DeltaTable
from psycopg2.extensions import connection as Connection

from batch.gate.checks import StreamFigures
from batch.hdfs.changes import EventFiles
from batch.hdfs.tables import table_if_any
from cdp.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.settings import Settings
from cdp.warehouse import STREAM_LEDGER

#: What makes two rows of quarantine one event, when they are replayed together.
SAME_EVENT = ["replay_id", "kafka_topic", "kafka_partition", "kafka_offset", "received_at"]
_STREAMS = f"SELECT stream, sum(good)::bigint, max(batch), max(hour) FROM {STREAM_LEDGER.full_name} GROUP BY stream"
_LATER = f"SELECT coalesce(sum(good), 0)::bigint FROM {STREAM_LEDGER.full_name} WHERE stream = %s AND batch > %s"


@dataclass(frozen=True, slots=True)
class Written:
    """What the streams have written down of the batches that a version of the events holds."""

    good: int
    unwritten: bool
    received_until: datetime


def stream_figures(
    connection: Connection, settings: Settings, files: EventFiles, write_down: Callable[[], object]
) -> StreamFigures | None:
    """None where no stream that the ledger knows has written this table.

    A compaction that was killed may lack in the book: `write_down` puts it there. That and the quarantine of many small
    files are looked at only where the sum is off without them."""
    table = DeltaTable(table_url(settings, EVENTS), version=files.version)
    written = _written(connection, table)
    if written is None:
        return None
    rows, dropped, replayed = sum(map(files.rows, files.days)), _dropped(settings, files), 0
    if rows + dropped != written.good:
        write_down()
        dropped, replayed = _dropped(settings, files), _replayed(settings, table)
    return StreamFigures(written.good, replayed, rows, dropped, written.unwritten, written.received_until)


def _written(connection: Connection, events: DeltaTable) -> Written | None:
    good, unwritten, hours = 0, False, []
    with connection, connection.cursor() as cursor:
        cursor.execute(_STREAMS)
        for stream, its_good, last, hour in cursor.fetchall():
            there = events.transaction_version(stream)
            if there is None:
                continue  # it wrote another table, which was set aside
            cursor.execute(_LATER, [stream, there])
            ((later,),) = cursor.fetchall()
            good, unwritten = good + its_good - later, unwritten or there > last
            hours.append(hour)
    return Written(good, unwritten, max(hours) + timedelta(hours=1)) if hours else None


def _dropped(settings: Settings, files: EventFiles) -> int:
    book = table_if_any(settings, COMPACTIONS)
    if book is None:
        return 0
    mine = (pc.field("table_id") == files.table_id) & (pc.field("version") <= files.version)
    return sum(book.to_pyarrow_dataset().to_table(["dropped"], mine)["dropped"].to_pylist())


def _replayed(settings: Settings, events: DeltaTable) -> int:
    """Events that replays have put into this version."""
    table = table_if_any(settings, QUARANTINE)
    quarantine = table.to_pyarrow_dataset() if table else None
    if quarantine is None or not set(SAME_EVENT) <= set(quarantine.schema.names):
        return 0
    taken = quarantine.to_table(SAME_EVENT, pc.field("replay_id").is_valid()).group_by(SAME_EVENT).aggregate([])
    replays = taken["replay_id"].to_pylist()
    there = {replay for replay in set(replays) if events.transaction_version(replay) is not None}
    return sum(replay in there for replay in replays)
