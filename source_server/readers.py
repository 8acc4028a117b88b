"""Reads event files of every accepted kind as batches of text columns, in bounded memory.

A file that cannot be an event file is refused whole, with a sentence that says where and why. A single broken line of
NDJSON is kept as it came: the parser downstream quarantines it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from source_server.columns import FIELD_NAMES, PAYLOAD, REQUIRED, ROW_GROUP_ROWS, SCHEMA, batch_from_columns
from source_server.ndjson import batch_of_lines, lines_of_stream, names_a_field

BLOCK_BYTES = 4 << 20
SHOWN = 160  # characters of what a reader says; it repeats the whole row
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

Batches = Iterator[pa.RecordBatch]


class FileRefused(ValueError):
    """The file is not one that can be loaded; the message names it and says what would help."""


def batches(path: Path) -> Batches:
    """The file's rows, in its order, as batches in SCHEMA."""
    reader, _ = _reader_of(path)
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    with _refusing(path):
        yield from reader(path)


def name_of(path: Path) -> str:
    """The file's name without its endings: the name of its data set."""
    _, endings = _reader_of(path)
    return path.name[: -len(endings)]


def _reader_of(path: Path) -> tuple[Callable[[Path], Batches], str]:
    compression = path.suffix if path.suffix in COMPRESSIONS else ""
    kind = Path(path.name.removesuffix(compression)).suffix
    if kind not in READERS or (kind == ".parquet" and compression):
        raise FileRefused(
            f"{path.name}: files end in {', '.join(READERS)}; all but parquet also with {' or '.join(COMPRESSIONS)}."
        )
    return READERS[kind], kind + compression


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turns what the readers raise about a file into one sentence that names it."""
    try:
        yield
    except FileRefused as error:
        raise FileRefused(f"{path.name}: {error}") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileRefused(f"{path.name} can't be read: {str(error).splitlines()[0][:SHOWN]}") from error


def _stream(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression=COMPRESSIONS.get(path.suffix), buffer_size=BLOCK_BYTES)


def _read_csv(path: Path) -> Batches:
    every_column_text = csv.ConvertOptions(
        column_types=dict.fromkeys(FIELD_NAMES, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    with _stream(path) as stream:
        reading = csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False)  # one thread knows the numbers of rows
        reader = csv.open_csv(stream, reading, parsing, every_column_text)
        _check_columns(reader.schema.names, FIELD_NAMES)
        for batch in reader:
            yield batch_from_columns({name: batch.column(name) for name in batch.schema.names}, batch.num_rows)


def _read_parquet(path: Path) -> Batches:
    with pq.ParquetFile(path) as file:
        _check_columns(file.schema_arrow.names, SCHEMA.names)
        for batch in file.iter_batches(batch_size=ROW_GROUP_ROWS):
            columns = {name: _as_stored(name, batch.column(name)) for name in batch.schema.names}
            yield batch_from_columns(columns, batch.num_rows)


def _read_ndjson(path: Path) -> Batches:
    """Lines are not refused one by one, but a file in which no line knows a field is another kind of file."""
    rows, recognised = 0, False
    with _stream(path) as stream:
        for lines in lines_of_stream(stream):
            recognised = recognised or any(names_a_field(line) for line in lines)
            rows += len(lines)
            yield batch_of_lines(lines)
    if rows and not recognised:
        raise FileRefused(f"no line is an event: a JSON object with {', '.join(REQUIRED)}.")


#: Ending of a file name -> how such a file is read.
READERS: dict[str, Callable[[Path], Batches]] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".ndjson": _read_ndjson,
    ".jsonl": _read_ndjson,
}


def _check_columns(found: list[str], allowed: tuple[str, ...] | list[str]) -> None:
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise FileRefused(f"has no column {', '.join(missing)}; it has {', '.join(found)}.")
    unknown = [name for name in found if name not in allowed]
    if unknown:
        raise FileRefused(
            f"column {', '.join(unknown)} is no field of an event; take it out or name it one of {', '.join(FIELD_NAMES)}."
        )
    if len(set(found)) < len(found):
        raise FileRefused(f"has a column twice; it has {', '.join(found)}.")


def _as_stored(name: str, column: pa.Array) -> pa.Array:
    """A parquet column as the text it stands for."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if name == PAYLOAD:
        return column.cast(pa.binary())
    if pa.types.is_timestamp(kind):
        return _time_text(name, column)
    if any(is_kind(kind) for is_kind in _PLAIN_KINDS):
        return column.cast(kind).cast(pa.string())
    raise FileRefused(f"column {name} is of type {kind}; text, numbers and times with a zone can be read.")


_PLAIN_KINDS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_null,
)


def _time_text(name: str, column: pa.Array) -> pa.Array:
    if column.type.tz is None:
        raise FileRefused(f"column {name} holds times without a zone; store them as timestamps in UTC.")
    utc = column.cast(pa.timestamp(column.type.unit, "UTC"))
    return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
