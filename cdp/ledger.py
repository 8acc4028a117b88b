"""What the ledger's numbers mean to every program that compares them. Each program reads the stores itself.

The ledger's tables are in cdp/mart/daily.py; the tables on HDFS are in cdp/lake/tables.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

#: What identifies a partition: its number, or its topic and number.
Key = TypeVar("Key")
#: Columns of the compactions that count_dropped() reads.
DROPPED_COLUMNS = ("table_id", "version", "dropped")
#: Rows of quarantine that are equal in these columns are one message: a replay makes one event of them.
REPLAYED_MESSAGE = ("replay_id", "kafka_topic", "kafka_partition", "kafka_offset", "received_at")


@dataclass(frozen=True, slots=True)
class EventBalance:
    """Messages that became events, and the rows of the events. Both sides are equal if nothing is lost or doubled."""

    good: int
    replayed: int  # messages, not rows of quarantine
    rows: int
    dropped: int  # copies that compaction left out

    @property
    def surplus(self) -> int:
        """How many rows there are too many; below 0 if rows are missing."""
        return self.rows + self.dropped - self.good - self.replayed

    def describe(self, sign: str) -> str:
        messages = f"good {self.good:,} + replayed {self.replayed:,}"
        return f"{messages} {sign} rows {self.rows:,} + copies that compaction dropped {self.dropped:,}"


def count_dropped(compactions: Iterable[Mapping[str, Any]], table_id: str, version: int) -> int:
    """Copies that compactions dropped from the events up to this version. A table that was created again has another id."""
    return sum(row["dropped"] for row in compactions if row["table_id"] == table_id and row["version"] <= version)


def count_waiting(next_offsets: Mapping[Key, int], retained: Mapping[Key, tuple[int, int]]) -> dict[Key, int]:
    """Partition -> offsets between the next one that a stream reads and the end; some are marks of transactions, not messages.

    `retained` has the first offset and the end of each partition: messages that Kafka has deleted wait no longer, and a new
    partition waits from its beginning."""
    return {number: end - max(next_offsets.get(number, 0), first) for number, (first, end) in retained.items()}
