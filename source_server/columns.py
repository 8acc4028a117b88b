"""How a data set lies on disk: a text column an event field, and the whole line where it is no flat object of these.

Values stay the text they were in the file, dirt included: judging them is the parser's work, downstream.
"""

from __future__ import annotations

import orjson
import pyarrow as pa

from cdp.events import FIELDS

FIELD_NAMES = tuple(field.name for field in FIELDS)
REQUIRED = tuple(field.name for field in FIELDS if field.required)
SOURCE = "source"
#: A line kept as it came. Bytes, because a broken line need not be text. The other columns of its row are empty.
PAYLOAD = "payload"
SCHEMA = pa.schema([*((name, pa.string()) for name in FIELD_NAMES), (PAYLOAD, pa.binary())])
ROW_GROUP_ROWS = 10_000


def with_source(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """Rows that name no source get the data set's name."""
    place = SCHEMA.get_field_index(SOURCE)
    return batch.set_column(place, SCHEMA.field(SOURCE), batch.column(place).fill_null(name))


def lines_of(table: pa.Table | pa.RecordBatch) -> list[bytes]:
    """The rows as JSON lines, without line ends: empty columns are left out, kept lines come as they were."""
    rows = zip(*(table.column(name).to_pylist() for name in FIELD_NAMES), strict=True)
    payloads = table.column(PAYLOAD).to_pylist()
    return [_json(row) if payload is None else payload for payload, row in zip(payloads, rows, strict=True)]


def _json(values: tuple[str | None, ...]) -> bytes:
    return orjson.dumps({name: value for name, value in zip(FIELD_NAMES, values, strict=True) if value is not None})


def batch_from_columns(columns: dict[str, pa.Array | list[str | None] | list[bytes | None]], rows: int) -> pa.RecordBatch:
    """A batch in SCHEMA; columns that are not given are empty."""
    arrays = []
    for field in SCHEMA:
        given = columns.get(field.name)
        if given is None:
            arrays.append(pa.nulls(rows, field.type))
        else:
            arrays.append(given if isinstance(given, pa.Array) else pa.array(given, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
