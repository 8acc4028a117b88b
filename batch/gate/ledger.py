"""Compares the stream's ledger with the events that a night has read, for one version of the table. Reads only.

Delta's log tells the last batch of each stream in a version, so both sides cover the same messages even if the stream has
continued since. `./run ledger` compares the current state, including Kafka.
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
from batch.hdfs.tables import open_table
from cdp.lake.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.ledger import DROPPED_COLUMNS, REPLAYED_MESSAGE, EventBalance, count_dropped
from cdp.mart.daily import STREAM_LEDGER
from cdp.settings import Settings

_STREAMS = f"SELECT stream, sum(good)::bigint, max(batch), max(hour) FROM {STREAM_LEDGER.full_name} GROUP BY stream"
_LATER = f"SELECT coalesce(sum(good), 0)::bigint FROM {STREAM_LEDGER.full_name} WHERE stream = %s AND batch > %s"


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """The ledger's numbers for the batches that are in one version of the events."""

    good: int
    has_unwritten_batch: bool
    received_until: datetime


def read_stream_figures(
    connection: Connection, settings: Settings, files: EventFiles, record_compactions: Callable[[], object]
) -> StreamFigures | None:
    """None if no stream in the ledger has written this table.

    A killed compaction may not be recorded yet: `record_compactions` records it. That, and reading the many small files of the
    quarantine, is done only if the sums differ without them."""
    table = DeltaTable(table_url(settings, EVENTS), version=files.version)
    ledger = _read_ledger(connection, table)
    if ledger is None:
        return None
    rows, dropped, replayed = sum(map(files.count_rows, files.days)), _count_dropped(settings, files), 0
    if EventBalance(ledger.good, replayed, rows, dropped).surplus:
        record_compactions()
        dropped, replayed = _count_dropped(settings, files), _count_replayed(settings, table)
    return StreamFigures(ledger.good, replayed, rows, dropped, ledger.has_unwritten_batch, ledger.received_until)


def _read_ledger(connection: Connection, events: DeltaTable) -> LedgerSums | None:
    good, unwritten, hours = 0, False, []
    with connection, connection.cursor() as cursor:
        cursor.execute(_STREAMS)
        for stream, stream_good, last, hour in cursor.fetchall():
            last_in_table = events.transaction_version(stream)
            if last_in_table is None:
                continue  # it wrote another table, which was set aside
            cursor.execute(_LATER, [stream, last_in_table])
            ((later,),) = cursor.fetchall()
            good, unwritten = good + stream_good - later, unwritten or last_in_table > last
            hours.append(hour)
    return LedgerSums(good, unwritten, max(hours) + timedelta(hours=1)) if hours else None


def _count_dropped(settings: Settings, files: EventFiles) -> int:
    compactions = open_table(settings, COMPACTIONS)
    if compactions is None:
        return 0
    rows = compactions.to_pyarrow_dataset().to_table([*DROPPED_COLUMNS]).to_pylist()
    return count_dropped(rows, files.table_id, files.version)


def _count_replayed(settings: Settings, events: DeltaTable) -> int:
    """The events in this version that come from replays."""
    table = open_table(settings, QUARANTINE)
    quarantine = table.to_pyarrow_dataset() if table else None
    if quarantine is None or not set(REPLAYED_MESSAGE) <= set(quarantine.schema.names):
        return 0
    columns = [*REPLAYED_MESSAGE]
    replayed = quarantine.to_table(columns, pc.field("replay_id").is_valid()).group_by(columns).aggregate([])
    replays = replayed["replay_id"].to_pylist()
    in_table = {replay for replay in set(replays) if events.transaction_version(replay) is not None}
    return sum(replay in in_table for replay in replays)
