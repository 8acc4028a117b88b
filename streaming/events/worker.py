"""The task of a batch, in a Python worker of Spark: it reads its messages by the contract and writes the files of both tables.

Only the task's result reaches the driver: which files it wrote, and what the ledger counts. Spark takes one result per task,
even if it runs a task twice. The module imports no Spark, so a new worker starts soon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from cdp.events.reading import REPLAY_SCHEMA, open_reader
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE
from streaming.events.account import Group, group_events, group_refusals
from streaming.files import NewFile, TableFolder

#: The columns of a task's result, for Spark and for Arrow: one row per task.
RESULT = """
    files array<struct<`table`: string, path: string, size: bigint, rows: bigint, day: string, statistics: string>>,
    groups array<struct<topic: string, hour: timestamp_ntz, `partition`: int, reason: string, late: string,
        count: bigint, first: bigint, last: bigint>>"""
_TEXTS, _LONGS = pa.string(), pa.int64()
RESULT_SCHEMA = pa.schema(
    {
        "files": pa.list_(
            pa.struct(
                {"table": _TEXTS, "path": _TEXTS, "size": _LONGS, "rows": _LONGS, "day": _TEXTS, "statistics": _TEXTS}
            )
        ),
        "groups": pa.list_(
            pa.struct(
                {
                    "topic": _TEXTS, "hour": pa.timestamp("us"), "partition": pa.int32(), "reason": _TEXTS, "late": _TEXTS,
                    "count": _LONGS, "first": _LONGS, "last": _LONGS,
                }
            )
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchTask:
    """What a task does with its messages. Rows of a table without a folder are only counted."""

    folders: Sequence[TableFolder]
    currency: str
    #: Rows that take more memory than this are written before more messages are read.
    most_bytes: int

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield make_result(*self.run(batches))

    def run(self, batches: Iterable[pa.RecordBatch]) -> tuple[list[NewFile], list[Group]]:
        files: list[NewFile] = []
        groups: list[Group] = []
        for events, refusals in self._read(batches):
            groups += group_events(events) + group_refusals(refusals)
            for rows, table in ((refusals, QUARANTINE_TABLE), (events, EVENTS_TABLE)):
                files += [file for folder in self.folders if folder.table == table for file in folder.write(rows)]
        return files, groups

    def _read(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.Table, pa.Table]]:
        """The rows of both tables, in as few and large pieces as the memory allows."""
        reader = open_reader(self.currency)
        events: list[pa.Table] = []
        refusals: list[pa.Table] = []
        size = 0
        for batch in batches:
            read = reader.read(batch)
            events.append(read.events)
            refusals.append(_with_replay_columns(read.refusals))
            size += read.events.nbytes + read.refusals.nbytes
            if size > self.most_bytes:
                yield pa.concat_tables(events), pa.concat_tables(refusals)
                events, refusals, size = [], [], 0
        if events:
            yield pa.concat_tables(events), pa.concat_tables(refusals)


def make_result(files: Iterable[NewFile], groups: Iterable[Group]) -> pa.RecordBatch:
    row = {"files": [asdict(file) for file in files], "groups": [asdict(group) for group in groups]}
    return pa.RecordBatch.from_pylist([row], RESULT_SCHEMA)


def _with_replay_columns(refusals: pa.Table) -> pa.Table:
    """No replay has touched the rows yet."""
    for field in REPLAY_SCHEMA:
        refusals = refusals.append_column(field, pa.nulls(refusals.num_rows, field.type))
    return refusals
