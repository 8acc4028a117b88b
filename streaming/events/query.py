"""The stream "events" as a query."""

from __future__ import annotations

from collections.abc import Sequence

from cdp.events import EVENTS_RAW
from cdp.lake.tables import STREAM_TABLES
from cdp.programs import EVENTS_STREAM
from streaming.events.sink import write_batch
from streaming.ledger.read import read_next_offsets
from streaming.ledger.writer import LedgerWriter
from streaming.lock import LockedConnection
from streaming.messages import StreamPosition
from streaming.query import Query


def read_position(connection: LockedConnection, topics: Sequence[str], stream: str | None) -> StreamPosition | None:
    return LedgerWriter(connection).read_position(topics, stream)


EVENTS_QUERY = Query(
    name=EVENTS_STREAM,
    topics=(EVENTS_RAW.name,),
    tables=STREAM_TABLES,
    write_batch=write_batch,
    read_position=read_position,
    read_next_offsets=read_next_offsets,
)
