"""Pages of a data set: rows from one place on, as NDJSON, and the same between two times. Bounded by rows and by bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp.settings import Settings
from source_server.store import Dataset, DatasetUnknown, File, described, file_at, metadata_of, path_of

MAX_PAGE_BYTES = 16 << 20
#: Row groups kept decoded, so that small pages and single rows don't read theirs again each time; some 10 MB each.
GROUPS_KEPT = 3


@dataclass(frozen=True, slots=True)
class Between:
    """Rows whose time lies in here; a row whose time can't be read lies in no such span."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        return self.since is None and self.until is None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from one place on: their lines, when they happened, and the row to go on at."""

    body: bytes
    rows: int
    next_row: int
    first_time: datetime | None
    last_time: datetime | None


def page(settings: Settings, wanted: Dataset, row: int, limit: int, between: Between = Between()) -> Page:
    """Up to `limit` rows from `row` on; fewer at the end, and where the page would become too large."""
    file = file_at(path_of(settings, wanted.name))
    if described(file).content_id != wanted.content_id:
        raise DatasetUnknown(f"the data set {wanted.name!r} was replaced while it was read.")
    pieces: list[pa.Table] = []
    place, left, size = row, limit, 0
    while place < wanted.rows and left:
        piece, after = _piece(file, place, left, MAX_PAGE_BYTES - size, between)
        if after == place:  # the next row is too large for what is left of the page
            break
        pieces.append(piece)
        place, left, size = after, left - piece.num_rows, size + _bytes_of(piece)
    return _joined(pieces, place)


@lru_cache(maxsize=GROUPS_KEPT)
def _group(file: File, number: int) -> pa.Table:
    """One row group, decoded, each column in one piece."""
    return pq.ParquetFile(file.path, metadata=metadata_of(file)).read_row_group(number, use_threads=False).combine_chunks()


def _piece(file: File, row: int, limit: int, size: int, between: Between) -> tuple[pa.Table, int]:
    """What one row group has for the page, and the row after it."""
    metadata = metadata_of(file)
    begin, number = 0, 0
    while begin + (rows := metadata.row_group(number).num_rows) <= row:
        begin, number = begin + rows, number + 1
    if not between.everything and not _may_hold(metadata.row_group(number).column(1).statistics, between):
        return _NOTHING, begin + rows
    rest = _group(file, number).slice(row - begin)
    if not between.everything:
        return _filtered(rest, row, limit, size, between)
    taken = _cut(rest.slice(0, limit), size)
    return taken, row + taken.num_rows


def _filtered(rest: pa.Table, row: int, limit: int, size: int, between: Between) -> tuple[pa.Table, int]:
    places = pc.indices_nonzero(pc.fill_null(_inside(rest["time"], between), False))
    taken = _cut(rest.take(places.slice(0, limit)), size)
    if taken.num_rows == len(places):
        return taken, row + rest.num_rows
    return taken, row + places[taken.num_rows - 1].as_py() + 1 if taken.num_rows else row


def _inside(times: pa.ChunkedArray, between: Between) -> pa.ChunkedArray:
    since = pc.greater_equal(times, pa.scalar(between.since, times.type)) if between.since else True
    until = pc.less(times, pa.scalar(between.until, times.type)) if between.until else True
    return pc.and_(since, until)


def _may_hold(statistics: pq.Statistics | None, between: Between) -> bool:
    """Whether a row group's least and greatest time leave it possible that something lies between."""
    if statistics is None or not statistics.has_min_max:
        return statistics is None or statistics.num_values > 0
    early = between.until is not None and statistics.min >= between.until
    return not early and not (between.since is not None and statistics.max < between.since)


def _cut(table: pa.Table, size: int) -> pa.Table:
    """As many rows as fit; one at least where the page has none yet."""
    if table.num_rows == 0 or _bytes_of(table) <= size:
        return table
    so_far = pc.cumulative_sum(pc.binary_length(table["line"]).cast(pa.int64()))
    return table.slice(0, max(pc.sum(pc.less_equal(so_far, size)).as_py(), size == MAX_PAGE_BYTES))


def _bytes_of(table: pa.Table) -> int:
    return sum(_span(chunk)[1] - _span(chunk)[0] for chunk in table["line"].chunks)


def _span(lines: pa.BinaryArray) -> tuple[int, int]:
    """Where an array's bytes begin and end in its buffer."""
    offsets = memoryview(lines.buffers()[1]).cast("i") if len(lines) else [0]
    return (offsets[lines.offset], offsets[lines.offset + len(lines)]) if len(lines) else (0, 0)


def _joined(pieces: list[pa.Table], next_row: int) -> Page:
    """The lines lie one behind the other in each piece's buffer: a page is cut out, never put together line by line."""
    cuts = []
    for chunk in (chunk for piece in pieces for chunk in piece["line"].chunks if len(chunk)):
        begin, end = _span(chunk)
        cuts.append(memoryview(chunk.buffers()[2])[begin:end])
    ends = pc.min_max(pa.concat_tables(pieces)["time"]).as_py() if pieces else {"min": None, "max": None}
    return Page(b"".join(cuts), sum(piece.num_rows for piece in pieces), next_row, ends["min"], ends["max"])


_NOTHING = pa.table({"line": pa.array([], pa.binary()), "time": pa.array([], pa.timestamp("us", "UTC"))})
