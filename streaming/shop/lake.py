"""Merges the buffered changes into the tables on HDFS, beside the batches, so that events do not wait for HDFS. A change leaves
the buffer after its merge; merging it a second time changes nothing."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from psycopg2.extensions import cursor as Cursor

from cdp.events.topics import name_shop_topic
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.mart.shop import CHANGE, READING
from cdp.settings import Settings
from streaming.commit import SECONDS, begin
from streaming.lock import LockedConnection
from streaming.shop.merge import merge_changes
from streaming.shop.rows import encode

#: Most changes in memory at a time.
MOST_CHANGES = 100_000
TABLES_AT_ONCE = 4
#: A table whose rows have not all come yet keeps its earlier state until they have.
_UNFINISHED = f"SELECT topic FROM {READING.full_name} WHERE snapshot_batch IS NOT NULL AND stream = %s"
_READ = f"""
    SELECT table_name, row_key, content, batch FROM {CHANGE.full_name} WHERE NOT table_name = ANY(%s)
    ORDER BY row_key <> '', batch LIMIT {MOST_CHANGES}"""
_REMOVE = f"""
    DELETE FROM {CHANGE.full_name} c
    USING json_to_recordset(%s) AS r (table_name text, row_key text, batch bigint)
    WHERE c.table_name = r.table_name AND c.row_key = r.row_key AND c.batch = r.batch"""


@dataclass(frozen=True, slots=True)
class BufferedChange:
    """A row of the buffer."""

    table_name: str
    row_key: str
    content: str | None
    batch: int


@dataclass(slots=True)
class LakeWriter:
    """Merges at intervals. Only the thread of the batches uses the connection."""

    settings: Settings
    connection: LockedConnection
    stream: str
    due: float = field(default_factory=time.monotonic)
    running: tuple[Sequence[BufferedChange], Future[None]] | None = None

    def advance(self, wait: bool) -> None:
        """Finish a merge that has ended, and begin one that is due. With `wait`, merge everything now."""
        if wait:
            while self._finish() or self._begin():
                pass
            return
        if self.running and self.running[1].done():
            self._finish()
        if not self.running and time.monotonic() >= self.due:
            self._begin()

    def _begin(self) -> bool:
        """Whether there is something to merge."""
        changes = self.connection.read(self._read)
        self.due = time.monotonic() + (0 if len(changes) == MOST_CHANGES else self.settings.shop_merge_seconds)
        if changes:
            self.running = changes, begin(lambda: merge_tables(self.settings, changes))
        return bool(changes)

    def _finish(self) -> bool:
        """Wait for the running merge, if there is one, and remove its changes from the buffer."""
        if self.running is None:
            return False
        changes, merge = self.running
        self.running = None
        merge.result(SECONDS)
        keys = encode({"table_name": each.table_name, "row_key": each.row_key, "batch": each.batch} for each in changes)
        self.connection.write(lambda cursor: cursor.execute(_REMOVE, [keys]))
        return True

    def _read(self, cursor: Cursor) -> list[BufferedChange]:
        cursor.execute(_UNFINISHED, [self.stream])
        unfinished = {topic for (topic,) in cursor.fetchall()}
        cursor.execute(_READ, [[name for name in SHOP_LAKE_TABLES if name_shop_topic(name) in unfinished]])
        return [BufferedChange(*row) for row in cursor.fetchall()]


def merge_tables(settings: Settings, changes: Iterable[BufferedChange]) -> None:
    """Merge the changes of each table, some tables at a time."""
    contents: Mapping[str, dict[str, str | None]] = defaultdict(dict)
    for change in changes:
        contents[change.table_name][change.row_key] = change.content
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        list(pool.map(lambda name: merge_changes(settings, SHOP_LAKE_TABLES[name], contents[name]), contents))
