"""Writes rows as parquet files into a table's folder, one file per day: on HDFS, or on the local disk.

A file belongs to the table only when the driver has committed it (streaming/commit.py), so files of a failed task do no harm.
Tasks import this module, so it imports neither Spark nor deltalake.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hdfs_native import Client, WriteOptions

from cdp.lake.tables import LakeTable

#: HDFS takes a while to close a file, whatever its size; other files are sent meanwhile.
FILES_AT_ONCE = 16
#: A third smaller than snappy, for a tenth of a microsecond per message.
COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A parquet file in a table's folder that is not in the table's log yet. It holds rows of one day."""

    table: str
    path: str  # within the folder
    size: int
    rows: int
    day: str
    statistics: str  # Delta's JSON


@dataclass(frozen=True, slots=True)
class TableFolder:
    """Where the files of a table go."""

    table: LakeTable
    url: str
    replication: int

    def write(self, rows: pa.Table) -> list[NewFile]:
        """Write a file for each day."""
        days = split_days(rows, self.table.partition)
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            return list(pool.map(lambda day: self._write_day(*day), days))

    def _write_day(self, day: str, rows: pa.Table) -> NewFile:
        path = f"{self.table.partition}={day}/part-{uuid.uuid4()}.parquet"
        data = encode_rows(rows.drop_columns([self.table.partition]))
        send_file(f"{self.url}/{path}", data, self.replication)
        statistics = make_statistics(rows, self.table.statistics.split(","))
        return NewFile(self.table.name, path, data.size, rows.num_rows, day, statistics)


def split_days(rows: pa.Table, column: str) -> Iterator[tuple[str, pa.Table]]:
    """Each day with its rows, in the order of the days."""
    days = rows.column(column).cast(pa.int32()).to_numpy()
    if np.any(days[1:] < days[:-1]):
        order = np.argsort(days, kind="stable")
        rows, days = rows.take(pa.array(order)), days[order]
    numbers, first_places, counts = np.unique(days, return_index=True, return_counts=True)
    for number, first, count in zip(numbers, first_places, counts, strict=True):
        yield str(number.astype("datetime64[D]")), rows.slice(first, count)


def encode_rows(rows: pa.Table) -> pa.Buffer:
    """The rows as a parquet file, with decimals as Spark stores them."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression=COMPRESSION, store_decimal_as_integer=True)
    return sink.getvalue()


def make_statistics(rows: pa.Table, columns: Sequence[str]) -> str:
    """Statistics of columns of timestamps, in Delta's JSON. It has milliseconds, so the greatest value is rounded up."""
    spans = {name: pc.min_max(rows.column(name)).as_py() for name in columns}
    return json.dumps(
        {
            "numRecords": rows.num_rows,
            "minValues": {name: _format_time(span["min"]) for name, span in spans.items()},
            "maxValues": {name: _format_time(_round_up(span["max"])) for name, span in spans.items()},
            "nullCount": {name: rows.column(name).null_count for name in columns},
        }
    )


def _round_up(time: datetime) -> datetime:
    return time + timedelta(microseconds=-time.microsecond % 1000)


def _format_time(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def send_file(url: str, data: pa.Buffer, replication: int) -> None:
    """Write a new file whole; its folder is created if needed."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(parts.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    options = WriteOptions(replication=replication, create_parent=True)
    with _open_client(f"{parts.scheme}://{parts.netloc}").create(parts.path, options) as file:
        file.write(data.to_pybytes())  # the client reads any other buffer number by number, at 100 ms a megabyte


@cache
def _open_client(hdfs_url: str) -> Client:
    return Client(hdfs_url)
