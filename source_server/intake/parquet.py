"""Reads parquet tables as columns of text. A row may keep a whole line in the column `payload`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from source_server.intake.block import Block, WholeLines
from source_server.intake.refusal import FileRefused

PAYLOAD = "payload"
BATCH_ROWS = 20_000
SHOWN = 160  # characters of Arrow's error

_PLAIN_KINDS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_null,
)


def read_columns(path: Path) -> tuple[str, ...]:
    with _open_parquet(path) as file:
        return tuple(file.schema_arrow.names)


def read_parquet_blocks(path: Path, columns: set[str], zone: bool) -> Iterator[Block]:
    """Read these columns. Times without a zone are accepted only if the mapping gives one (`zone`)."""
    with _open_parquet(path) as file:
        total, rows_read = file.metadata.num_rows, 0
        names = [name for name in file.schema_arrow.names if name in columns or name == PAYLOAD]
        batches = file.iter_batches(BATCH_ROWS, columns=names)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                reason = str(error).splitlines()[0][:SHOWN]
                raise FileRefused(f"{path.name} can't be read after row {rows_read:,}: {reason}; copy the file again.") from error
            if batch is None:
                return
            yield _make_block(path, batch, rows_read, (rows_read + batch.num_rows) / total, zone)
            rows_read += batch.num_rows


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:SHOWN]
        raise FileRefused(f"{path.name} can't be read: {reason}") from error


def _make_block(path: Path, batch: pa.RecordBatch, before: int, fraction: float, zone: bool) -> Block:
    places = np.arange(batch.num_rows, dtype=np.int64) + before + 1
    whole_lines = WholeLines()
    if PAYLOAD in batch.schema.names:
        whole = batch.column(PAYLOAD).is_valid()
        if whole.true_count:
            selected = whole.to_numpy(zero_copy_only=False)
            whole_lines = WholeLines(batch.column(PAYLOAD).filter(whole).cast(pa.binary()), places[selected])
            batch, places = batch.filter(pc.invert(whole)), places[~selected]
    columns = {name: _to_text(path, name, batch.column(name), zone) for name in batch.schema.names if name != PAYLOAD}
    return Block(pa.table(columns), places, whole_lines, fraction)


def _to_text(path: Path, name: str, column: pa.Array, zone: bool) -> pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind):
        return _time_to_text(path, name, column.cast(kind), zone)
    if pa.types.is_date(kind):
        return pc.strftime(column.cast(pa.timestamp("s")), format="%Y-%m-%d")
    if any(is_kind(kind) for is_kind in _PLAIN_KINDS):
        return column.cast(kind).cast(pa.string())
    if pa.types.is_binary(kind):
        return column.cast(kind).cast(pa.string())
    raise FileRefused(f"{path.name}: column {name} is of type {kind}; it must be text, a number or a time.")


def _time_to_text(path: Path, name: str, column: pa.Array, zone: bool) -> pa.Array:
    if column.type.tz is None:
        if not zone:
            raise FileRefused(
                f"{path.name}: column {name} holds times without a zone; store them in UTC, "
                "or load with a mapping that names the zone."
            )
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    utc = column.cast(pa.timestamp(column.type.unit, "UTC"))
    return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
