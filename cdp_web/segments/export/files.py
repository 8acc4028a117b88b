"""Writes the rows of an export: CSV line by line, parquet by row groups into a temporary file."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.settings import current
from cdp_web.layout.spreadsheets import escape_formula
from cdp_web.segments.export.rows import Export, build_schema, open_chunks

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_BLOCK = 1_000_000


class _LineReturner:
    """A file that returns what is written to it, so csv's writerow returns each line and no file is built up."""

    def write(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class FileSum:
    bytes: int
    sha256: str


def generate_csv_lines(export: Export) -> Iterator[str]:
    """Every line of the file, headings first."""
    return generate_lines(export.columns, open_chunks(export))


def write_parquet(export: Export) -> IO[bytes]:
    return write_parquet_file(build_schema(export), open_chunks(export))


def write_parquet_file(schema: pa.Schema, chunks: Iterator[pa.Table]) -> IO[bytes]:
    """The file, at its start; the caller closes it. It has no name on the disk, so nothing is left if the process is killed."""
    folder = current().state_dir / "web" / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    try:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in chunks:
                writer.write_table(table)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def sum_file(export: Export) -> FileSum:
    """Size and checksum of the file that the export makes."""
    digest, size = hashlib.sha256(), 0
    for block in _generate_blocks(export):
        digest.update(block)
        size += len(block)
    return FileSum(size, digest.hexdigest())


def _generate_blocks(export: Export) -> Iterator[bytes]:
    if export.options.format == "csv":
        yield from (line.encode() for line in generate_csv_lines(export))
        return
    with write_parquet(export) as file:
        while block := file.read(_BLOCK):
            yield block


def generate_lines(headings: Sequence[str], chunks: Iterable[pa.Table]) -> Iterator[str]:
    """CSV without formulas that a spreadsheet would run."""
    writer = csv.writer(_LineReturner())
    yield writer.writerow(headings)
    for table in chunks:
        columns = [column.to_pylist() for column in table.columns]
        for row in zip(*columns, strict=True):
            yield writer.writerow([_escape_cell(value) for value in row])


def _escape_cell(value: Any) -> Any:
    return escape_formula(value) if isinstance(value, str) else value
