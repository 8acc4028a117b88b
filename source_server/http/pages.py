"""Reads pages of a data set: rows from a given row on, as NDJSON, limited by rows and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp.settings import Settings
from source_server.intake.store import (
    Dataset,
    DatasetUnknown,
    StoredFile,
    path_of,
    read_description,
    read_file_metadata,
    stat_file,
)

MAX_PAGE_BYTES = 16 << 20
#: Decoded row groups in memory, so that small pages and single rows don't decode theirs again; about 10 MB each.
CACHED_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page, their least and greatest time, and the row where the next page starts."""

    body: bytes
    rows: int
    next_row: int
    first_time: datetime | None
    last_time: datetime | None


def page(settings: Settings, dataset: Dataset, row: int, limit: int) -> Page:
    """Up to `limit` rows from `row` on; fewer at the end, or if the page would become too large."""
    file = stat_file(path_of(settings, dataset.name))
    if read_description(file).content_id != dataset.content_id:
        raise DatasetUnknown(f"the data set {dataset.name!r} was replaced while it was read.")
    pieces: list[pa.Table] = []
    next_row, left, size = row, limit, 0
    while next_row < dataset.rows and left:
        piece = _read_piece(file, next_row, left, MAX_PAGE_BYTES - size)
        if not piece.num_rows:  # the next row does not fit into this page
            break
        pieces.append(piece)
        next_row, left, size = next_row + piece.num_rows, left - piece.num_rows, size + _count_bytes(piece)
    return _join(pieces, next_row)


@lru_cache(maxsize=CACHED_GROUPS)
def _read_group(file: StoredFile, number: int) -> pa.Table:
    """One decoded row group, each column in one chunk."""
    return pq.ParquetFile(file.path, metadata=read_file_metadata(file)).read_row_group(number, use_threads=False).combine_chunks()


def _read_piece(file: StoredFile, row: int, limit: int, size: int) -> pa.Table:
    """The rows of one row group for the page."""
    metadata = read_file_metadata(file)
    begin, number = 0, 0
    while begin + (rows := metadata.row_group(number).num_rows) <= row:
        begin, number = begin + rows, number + 1
    return _cut(_read_group(file, number).slice(row - begin, limit), size)


def _cut(table: pa.Table, size: int) -> pa.Table:
    """As many rows as fit, but at least one if the page is still empty."""
    if _count_bytes(table) <= size:
        return table
    totals = pc.cumulative_sum(pc.binary_length(table["line"]).cast(pa.int64()))
    return table.slice(0, max(pc.sum(pc.less_equal(totals, size)).as_py(), size == MAX_PAGE_BYTES))


def _count_bytes(table: pa.Table) -> int:
    return sum(_find_span(chunk)[1] - _find_span(chunk)[0] for chunk in table["line"].chunks)


def _find_span(lines: pa.BinaryArray) -> tuple[int, int]:
    """The start and end of an array's bytes in its buffer."""
    offsets = memoryview(lines.buffers()[1]).cast("i") if len(lines) else [0]
    return (offsets[lines.offset], offsets[lines.offset + len(lines)]) if len(lines) else (0, 0)


def _join(pieces: list[pa.Table], next_row: int) -> Page:
    """The lines of a piece are consecutive in its buffer, so each piece is one slice; no line is copied on its own."""
    cuts = []
    for chunk in (chunk for piece in pieces for chunk in piece["line"].chunks if len(chunk)):
        begin, end = _find_span(chunk)
        cuts.append(memoryview(chunk.buffers()[2])[begin:end])
    ends = pc.min_max(pa.concat_tables(pieces)["time"]).as_py() if pieces else {"min": None, "max": None}
    return Page(b"".join(cuts), sum(piece.num_rows for piece in pieces), next_row, ends["min"], ends["max"])
