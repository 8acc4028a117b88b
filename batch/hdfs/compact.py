"""Compaction: the events of a day written anew as few files, sorted by customer and time, each event once.

A day is compact when its files are those that its last compaction left. Readers see the same events before and after; the
files from before stay for a while, for who still reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from delta import exceptions as conflict
from pyspark.sql import DataFrame, SparkSession

from batch.days.events import ORDER_OF_RECEIPT, without_copies
from batch.hdfs.changes import EventFile, EventFiles, event_files
from batch.hdfs.compactions import MARK, Book, Entry, read_book, write_down
from batch.hdfs.tables import rewrite_events
from cdp.settings import Settings

#: Days that fit in a file each are written together; a commit that fails costs no more than these.
DAYS_A_COMMIT = 31
#: In Python they have no common parent. An append is none of them.
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
class Compacted:
    """What one compaction came to."""

    entries: Sequence[Entry]
    skipped: Sequence[date]  # somebody else changed them just then
    left: int  # days beyond what a night does

    def __str__(self) -> str:
        before, after = sum(entry.files_before for entry in self.entries), sum(entry.files_after for entry in self.entries)
        dropped = sum(entry.dropped for entry in self.entries)
        notes = [f"{len(self.entries):,} days, {before:,} files made into {after:,}, {dropped:,} copies dropped"]
        if self.skipped:
            notes.append(f"{', '.join(map(str, self.skipped))} changed meanwhile and are for the next night")
        if self.left:
            notes.append(f"{self.left:,} days are for the next night (CDP_COMPACT_DAYS)")
        return "; ".join(notes)


def compact(spark: SparkSession, settings: Settings, up_to: date, at: datetime) -> Compacted | None:
    """The days up to this one that are not compact, as many as a night does; None where there is nothing to do."""
    before = event_files(settings)
    book = read_book(settings, before.table_id)
    waiting = not_compact(before, book, up_to)
    chosen = waiting[: settings.compact_days]
    if not chosen:
        return None
    skipped = [day for days in commits(before, chosen, _file_size(settings)) for day in _rewritten(spark, settings, before, days)]
    entries = write_down(spark, settings, book, event_files(settings), at)
    return Compacted(entries, skipped, len(waiting) - len(chosen))


def not_compact(now: EventFiles, book: Book, up_to: date) -> list[date]:
    """Those with the most files first."""
    waiting = [day for day in now.days if day <= up_to and now.paths(day) != book.paths.get(day)]
    return sorted(waiting, key=lambda day: (-len(now.days[day]), day))


def commits(now: EventFiles, days: Sequence[date], file_size: int) -> Iterator[list[date]]:
    """The days of each commit: a day that needs several files alone, the others together."""
    small = [day for day in days if pieces(now.days[day], file_size) == 1]
    yield from ([day] for day in days if day not in small)
    yield from (small[first : first + DAYS_A_COMMIT] for first in range(0, len(small), DAYS_A_COMMIT))


def pieces(files: Sequence[EventFile], file_size: int) -> int:
    """Small files are larger than their rows are in a large one, so that the pieces come out somewhat below the size."""
    return max(1, -(-sum(file.size for file in files) // file_size))


def _file_size(settings: Settings) -> int:
    return settings.compact_file_mb * 2**20


def _rewritten(spark: SparkSession, settings: Settings, now: EventFiles, days: list[date]) -> list[date]:
    """The days that had to be skipped: none, or all."""
    count = sum(pieces(now.days[day], _file_size(settings)) for day in days)

    def shape(events: DataFrame) -> DataFrame:
        # Both ways bring the copies of an event together, so that leaving them out needs no other shuffle.
        alone = len(days) == 1
        spread = events.repartitionByRange(count, "user_id") if alone else events.repartition(count, "event_day")
        return without_copies(spread).sortWithinPartitions(*ORDER)

    try:
        rewrite_events(spark, settings, days, shape, MARK)
    except CONFLICTS:
        return days
    return []
