"""NDJSON line by line: a flat object of event fields becomes a row of text, any other line is kept whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from source_server.columns import FIELD_NAMES, PAYLOAD, REQUIRED, batch_from_columns

MAX_LINE_BYTES = 256 << 10
CHUNK_BYTES = 2 << 20
_KNOWN = frozenset(FIELD_NAMES)


def lines_of_stream(stream: BinaryIO | pa.NativeFile) -> Iterator[list[bytes]]:
    """The lines that are not blank, a chunk at a time; a line over the limit is an error that names it."""
    rest, number = b"", 0
    while chunk := stream.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        _check_lengths([*lines, rest], number)
        number += len(lines)
        yield [line for line in lines if line.strip()]
    if rest.strip():
        yield [rest]


def _check_lengths(lines: list[bytes], before: int) -> None:
    for place, line in enumerate(lines, start=before + 1):
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"line {place} is longer than {MAX_LINE_BYTES:,} bytes.")


def batch_of_lines(lines: list[bytes]) -> pa.RecordBatch:
    rows = [row_of_line(line) for line in lines]
    columns: dict[str, Any] = {name: [None if row is None else row.get(name) for row in rows] for name in FIELD_NAMES}
    columns[PAYLOAD] = [line.rstrip(b"\r") if row is None else None for line, row in zip(lines, rows, strict=True)]
    return batch_from_columns(columns, len(lines))


def row_of_line(line: bytes) -> dict[str, str | None] | None:
    """The fields of a line as text, numbers digit by digit as they were written; None where it has to be kept whole."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or not found.keys() <= _KNOWN:
        return None
    if not _only_text(found):
        found = json.loads(line, parse_float=str, parse_int=str)
    return found if _only_text(found) else None


def names_a_field(line: bytes) -> bool:
    """Whether this is a JSON object that has anything of an event."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and any(name in found for name in REQUIRED)


def _only_text(found: dict[str, Any]) -> bool:
    return all(value is None or type(value) is str for value in found.values())
