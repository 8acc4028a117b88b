"""Appends files to Delta tables without Spark. A table's log records the stream's id and the batch's number with the files, as
Delta's application transaction, so a batch enters a table once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from cdp.lake.paths import table_url
from cdp.lake.tables import LakeTable
from cdp.settings import Settings
from streaming.files import NewFile

ATTEMPTS = 5
#: The NameNode gives new blocks to other DataNodes long before this.
SECONDS = 120.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchKey:
    """A stream's id and the number of one of its batches. Numbers grow; an offset is a number too."""

    stream: str
    number: int


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table as it was when it was opened. If another program commits the same batch after that, `append` fails."""

    table: LakeTable
    delta: DeltaTable

    def has_batch(self, key: BatchKey) -> bool:
        last = self.delta.transaction_version(key.stream)
        return last is not None and last >= key.number

    def append(self, files: Sequence[NewFile], *keys: BatchKey) -> None:
        """Add the files to the table as one commit. deltalake refuses an append if rows that existed before were changed or
        deleted meanwhile, as a replay does; that is tried again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                call_within(SECONDS, lambda: self._commit(files, keys))
                return
            except CommitFailedError:
                call_within(SECONDS, self.delta.update_incremental)
                if any(map(self.has_batch, keys)) or attempt == ATTEMPTS:
                    raise

    def _commit(self, files: Sequence[NewFile], keys: Sequence[BatchKey]) -> None:
        now = time.time_ns() // 1_000_000
        day = self.table.partition
        actions: list[AddAction | RemoveAction] = [
            AddAction(file.path, file.size, {day: file.day}, now, True, file.statistics) for file in files
        ]
        properties = CommitProperties(app_transactions=[Transaction(key.stream, key.number) for key in keys])
        self.delta.create_write_transaction(actions, "append", self.delta.schema(), [day], commit_properties=properties)


def open_table(settings: Settings, table: LakeTable) -> OpenTable:
    return OpenTable(table, call_within(SECONDS, lambda: DeltaTable(table_url(settings, table.name))))


def call_within(seconds: float, work: Callable[[], T]) -> T:
    """The work's result, or TimeoutError. deltalake waits without end for a DataNode that takes connections and is silent; a
    commit that comes through later does no harm, because the log then has the batch."""
    return begin(work).result(seconds)


def begin(work: Callable[[], T]) -> Future[T]:
    """Do the work in a thread that does not keep the program from ending."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome
