"""Writes a history as parquet, CSV or compressed CSV, by the ending of the file's name."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from source_server.history.rows import COLUMNS, SCHEMA

ROW_GROUP_ROWS = 50_000
GZIP_LEVEL = 4  # a tenth larger than at 9, in a fraction of the time
#: CSV can't hold a whole line that is no row.
CSV_COLUMNS = tuple(name for name in COLUMNS if name != "payload")
ENDINGS = (".parquet", ".csv", ".csv.gz")

Write = Callable[[pa.Table], object]


def can_keep_lines(path: Path) -> bool:
    """Whether such a file can keep a broken line unchanged."""
    return path.name.endswith(".parquet")


@contextmanager
def open_history(path: Path) -> Iterator[Write]:
    """A function that writes tables. The file appears when it is complete."""
    if not path.name.endswith(ENDINGS):
        raise ValueError(f"{path.name}: the name of a history must end in {', '.join(ENDINGS)}.")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder; create it first.")
    part = path.with_name(f".{path.name}.part")
    try:
        with _open_parquet(part) if can_keep_lines(path) else _open_csv(part, path.suffix == ".gz") as write:
            yield write
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _open_parquet(path: Path) -> Iterator[Write]:
    waiting = SCHEMA.empty_table()
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:

        def write(table: pa.Table) -> None:
            """Collect small days, so that row groups have their full size."""
            nonlocal waiting
            waiting = pa.concat_tables([waiting, table.select(COLUMNS)])
            whole = len(waiting) - len(waiting) % ROW_GROUP_ROWS
            if whole:
                writer.write_table(waiting.slice(0, whole), row_group_size=ROW_GROUP_ROWS)
                waiting = waiting.slice(whole)

        yield write
        writer.write_table(waiting, row_group_size=ROW_GROUP_ROWS)


@contextmanager
def _open_csv(path: Path, compressed: bool) -> Iterator[Write]:
    with path.open("wb") as plain:
        # The header has no name and no time, so the same rows give the same bytes.
        file = gzip.GzipFile("", "wb", GZIP_LEVEL, plain, mtime=0) if compressed else plain
        file.write((",".join(CSV_COLUMNS) + "\n").encode())
        yield lambda table: file.write(_format_lines(table))
        if compressed:
            file.close()


def _format_lines(table: pa.Table) -> pa.Buffer:
    """The bytes of the rows. Arrow holds joined texts in memory just as the file needs them."""
    cells = [_quote_cells(column) for column in table.select(CSV_COLUMNS).combine_chunks().itercolumns()]
    lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    ended = pc.binary_join_element_wise(lines, "", "\n").combine_chunks()
    _, offsets, letters = ended.buffers()
    return letters.slice(0, np.frombuffer(offsets, np.int32)[len(ended)]) if len(ended) else pa.py_buffer(b"")


def _quote_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Quote the values that contain a comma; no value contains a quote or a line end."""
    comma = pc.match_substring(column, ",")
    if not pc.any(comma).as_py():
        return column
    return pc.if_else(comma, pc.binary_join_element_wise('"', column, '"', ""), column)
