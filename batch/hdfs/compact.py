"""Compaction: rewrites the events of a day as few files, sorted by customer and time, without copies.

A day is compact if its files are those that its last compaction wrote. Readers see the same events before and after. The replaced
files stay for a while, because a reader may still use them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from delta import exceptions as conflict
from pyspark.sql import DataFrame, SparkSession

from batch.days.events import ORDER_OF_RECEIPT, drop_copies
from batch.hdfs.changes import EventFile, EventFiles, list_event_files
from batch.hdfs.compactions import NOTE, CompactionRecord, DayCompaction, read_compactions, record_compactions
from batch.hdfs.tables import rewrite_events
from cdp.settings import Settings

#: Days that fit in one file each share a commit. A commit that fails costs at most this many days.
DAYS_A_COMMIT = 31
#: These exceptions have no common parent in Python. An append by the stream raises none of them.
CONFLICTS = (
    conflict.ConcurrentAppendException,
    conflict.ConcurrentDeleteReadException,
    conflict.ConcurrentDeleteDeleteException,
    conflict.ConcurrentWriteException,
    conflict.MetadataChangedException,
    conflict.ProtocolChangedException,
)
ORDER = ("event_day", "user_id", "event_time", *ORDER_OF_RECEIPT)


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """The result of one compaction."""

    days: Sequence[DayCompaction]
    skipped: Sequence[date]  # another writer changed them at the same time
    days_left: int  # beyond the number that one night compacts

    def __str__(self) -> str:
        before, after = sum(day.files_before for day in self.days), sum(day.files_after for day in self.days)
        dropped = sum(day.dropped for day in self.days)
        notes = [f"{len(self.days):,} days, {before:,} files merged into {after:,}, {dropped:,} copies dropped"]
        if self.skipped:
            notes.append(f"skipped until the next night because another writer changed them: {', '.join(map(str, self.skipped))}")
        if self.days_left:
            notes.append(f"{self.days_left:,} days left for the next night (CDP_COMPACT_DAYS)")
        return "; ".join(notes)


def compact(spark: SparkSession, settings: Settings, up_to: date, at: datetime) -> CompactionReport | None:
    """Compact the days up to this one that need it, at most CDP_COMPACT_DAYS of them. None if there is nothing to do."""
    before = list_event_files(settings)
    record = read_compactions(settings, before.table_id)
    waiting = find_days_to_compact(before, record, up_to)
    chosen = waiting[: settings.compact_days]
    if not chosen:
        return None
    groups = group_days(before, chosen, _file_size(settings))
    skipped = [day for days in groups for day in _rewrite(spark, settings, before, days)]
    compacted = record_compactions(spark, settings, record, list_event_files(settings), at)
    return CompactionReport(compacted, skipped, len(waiting) - len(chosen))


def find_days_to_compact(now: EventFiles, record: CompactionRecord, up_to: date) -> list[date]:
    """The days with the most files first."""
    waiting = [day for day in now.days if day <= up_to and now.list_paths(day) != record.paths.get(day)]
    return sorted(waiting, key=lambda day: (-len(now.days[day]), day))


def group_days(now: EventFiles, days: Sequence[date], file_size: int) -> Iterator[list[date]]:
    """The days of each commit: a day that needs several files has its own commit, the others share commits."""
    small = [day for day in days if count_pieces(now.days[day], file_size) == 1]
    yield from ([day] for day in days if day not in small)
    yield from (small[first : first + DAYS_A_COMMIT] for first in range(0, len(small), DAYS_A_COMMIT))


def count_pieces(files: Sequence[EventFile], file_size: int) -> int:
    """How many files to write. Rows take less space in a large file than in small ones, so the files end up somewhat smaller."""
    return max(1, -(-sum(file.size for file in files) // file_size))


def _file_size(settings: Settings) -> int:
    return settings.compact_file_mb * 2**20


def _rewrite(spark: SparkSession, settings: Settings, now: EventFiles, days: list[date]) -> list[date]:
    """Returns the days that had to be skipped: none or all of them."""
    count = sum(count_pieces(now.days[day], _file_size(settings)) for day in days)

    def shape(events: DataFrame) -> DataFrame:
        # Both ways bring the copies of an event together, so dropping them needs no further shuffle.
        is_alone = len(days) == 1
        spread = events.repartitionByRange(count, "user_id") if is_alone else events.repartition(count, "event_day")
        return drop_copies(spread).sortWithinPartitions(*ORDER)

    try:
        rewrite_events(spark, settings, days, shape, NOTE)
    except CONFLICTS:
        return days
    return []
