"""The Delta table. A commit holds, for each partition, the offset up to which the table has the topic's messages, as one of
Delta's application transactions; the offsets and the rows enter the table together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cdp.lake.paths import table_url
from cdp.lake.tables import EXPOSURES_TABLE
from cdp.programs import EXPOSURES_STREAM
from cdp.settings import Settings
from streaming.commit import BatchKey, open_table
from streaming.exposures.rows import Message, find_ends, make_lake_rows
from streaming.files import TableFolder
from streaming.messages import Topic
from streaming.tables import ensure_tables


@dataclass(slots=True)
class LakeSink:
    """Few large files are better for HDFS than many small ones, and only the night reads them."""

    settings: Settings
    topic: Topic
    seconds: float = 60.0
    position: dict[int, int] = field(default_factory=dict)

    def open(self) -> None:
        ensure_tables(self.settings, (EXPOSURES_TABLE,))
        table = open_table(self.settings, EXPOSURES_TABLE).delta
        self.position = {number: table.transaction_version(self._name(number)) or 0 for number in self.topic.partitions}

    def write(self, messages: Sequence[Message]) -> None:
        rows, ends = make_lake_rows(self.topic.name, messages), find_ends(messages)
        if rows:
            url = table_url(self.settings, EXPOSURES_TABLE.name)
            files = TableFolder(EXPOSURES_TABLE, url, self.settings.hdfs_replication).write(rows)
            keys = [BatchKey(self._name(number), end) for number, end in ends.items()]
            open_table(self.settings, EXPOSURES_TABLE).append(files, *keys)
        self.position |= ends

    def _name(self, partition: int) -> str:
        """A topic that is made again has another id, and is read from 0."""
        return f"{EXPOSURES_STREAM} {self.topic.id} {partition}"
