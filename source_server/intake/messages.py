"""Turns a block's rows into the messages for Kafka and judges each: one SQL query per mapping, run over each block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events import FIELD_NAMES
from cdp.events.fields import BOUNDS
from cdp.events.reading.checks import make_checks
from cdp.events.reading.query import SAME, Texts, check_texts
from cdp.events.reading.sql import PreparedQuery, literal, name
from cdp.events.reading.texts import select_fields, to_json_texts
from cdp.settings import current
from source_server.intake.block import WholeLines
from source_server.intake.fields import make_field_sql, make_skip_sql
from source_server.intake.mapping import Mapping
from source_server.intake.repeated import NONE

Bytes = npt.NDArray[np.uint8]
_LINES = pa.schema({"j": pa.string()})
#: Columns that the reading of the texts keeps.
_KEPT = ("line", "skipped")


@dataclass(slots=True)
class JudgedRows:
    """Messages with their line ends. `codes` are the numbers of the judge's failed checks, 0 for an event. `same` is equal for
    events that would get the same id from the parser."""

    lines: pa.Array
    times: pa.Array
    types: pa.Array
    codes: npt.NDArray[np.uint8]
    skipped: npt.NDArray[np.uint16]
    same: npt.NDArray[np.uint64]


class Messages:
    """Makes messages for one mapping and source, and keeps the prepared queries. A time too far after `now` is refused."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, mapping: Mapping, source: str, now: datetime, add_source: bool) -> None:
        self.engine, self.mapping, self.source, self.add_source = engine, mapping, source, add_source
        self.received = f"TIMESTAMP '{now.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}' AS received_at"
        self.bounds = replace(BOUNDS, currency=current().currency)
        self.checks = make_checks(self.bounds)
        self.queries: dict[tuple[Any, ...], PreparedQuery] = {}

    def make_from_rows(self, table: pa.Table) -> JudgedRows:
        unclean, spaced = _find_columns(table, _is_escaped), _find_columns(table, _is_space)
        full = frozenset(name for name in table.column_names if not table.column(name).null_count)
        key = (*table.schema, unclean, full, spaced)
        if key not in self.queries:
            make_query = partial(self._make_rows_sql, tuple(table.column_names), unclean, full, spaced)
            self.queries[key] = PreparedQuery(self.engine, table.schema, make_query)
        return _to_judged_rows(self.queries[key].run(table))

    def make_from_lines(self, whole_lines: WholeLines) -> JudgedRows:
        """A line is sent unchanged, except that a flat object without a source gets one."""
        lines = _replace_line_ends(whole_lines.lines)
        if () not in self.queries:
            self.queries[()] = PreparedQuery(self.engine, _LINES, self._make_lines_sql)
        result = _to_judged_rows(self.queries[()].run(pa.table([to_json_texts(lines)], schema=_LINES)))
        result.lines = self._add_source(lines, result.lines)
        return result

    def _add_source(self, lines: pa.Array, lacks_source: pa.Array) -> pa.Array:
        """The lines with their ends. A flat object that lacks the source gets it as text."""
        plain = pc.binary_join_element_wise(lines, b"\n", pa.scalar(b"", pa.binary()))
        if not pc.any(lacks_source).as_py():
            return plain
        # A flat object ends in exactly one bracket, so stripping all brackets is correct.
        texts = pc.if_else(lacks_source, lines, b"").cast(pa.string())
        open_file = pc.ascii_rtrim(pc.ascii_rtrim(texts, " \t\r"), "}")
        empty = pc.ends_with(pc.ascii_rtrim(open_file, " \t\r"), "{")
        member = '"source":' + orjson.dumps(self.source).decode() + "}\n"
        closed = pc.binary_join_element_wise(open_file, pc.if_else(empty, member, "," + member), "")
        return pc.if_else(lacks_source, closed.cast(pa.binary()), plain)

    def _make_rows_sql(
        self,
        columns: tuple[str, ...],
        unclean: frozenset[str],
        full: frozenset[str],
        spaced: frozenset[str],
        source: str,
    ) -> str:
        values = make_field_sql(self.mapping, columns)
        values["source"] = f"coalesce({values['source']}, {literal(self.source)})" if "source" in values else literal(self.source)
        wary = bool(unclean) or not self._has_plain_texts()
        fields = ", ".join(f"{values.get(field, 'CAST(NULL AS VARCHAR)')} AS {name(field)}" for field in FIELD_NAMES)
        kept_columns = "".join(f", {name(column)} AS {name('keep ' + column)}" for column in self.mapping.keep)
        pieces = [_make_member(column, "keep " + column, escape=True, always=False) for column in self.mapping.keep]
        for field in FIELD_NAMES:
            if field in values:
                always = field == "source" or values[field] in map(name, full)
                pieces.append(_make_member(field, field, wary and self._may_escape(field, unclean), always))
        line = _join_members(pieces)
        frame = f"""SELECT *, {line} AS line, true AS is_object, {self.received}
            FROM (SELECT {make_skip_sql(self.mapping)} AS skipped, {fields}{kept_columns} FROM {source})"""
        if wary:
            frame = f"SELECT *, contains(line, '\\') AS has_escapes FROM ({frame})"
        plain = {field for field in FIELD_NAMES for column in set(columns) - spaced if values.get(field) == name(column)}
        return self._judge(Texts(frame, _KEPT, has_escapes=wary, spaced=frozenset(FIELD_NAMES) - plain))

    def _may_escape(self, field: str, unclean: frozenset[str]) -> bool:
        """Fields made by the mapping may hold anything; plain columns were examined."""
        mapped = {field for field, _ in (*self.mapping.fields, *self.mapping.constants)}
        return field in unclean or field in mapped or field == "source" or bool(self.mapping.changes)

    def _has_plain_texts(self) -> bool:
        """Whether no text of the mapping and the source's name needs escaping."""
        texts = orjson.dumps([self.source, repr(self.mapping.constants), repr(self.mapping.changes), repr(self.mapping.fields)])
        return b"\\" not in texts

    def _make_lines_sql(self, source: str) -> str:
        nested = r"CASE WHEN regexp_matches(j, '.[{\[]') THEN regexp_matches(json_structure(j), '^.+[{\[]') ELSE false END"
        lacks = "false"
        if self.add_source:
            lacks = f"CASE WHEN listed IS NULL THEN false WHEN json_exists(j, '$.source') THEN false ELSE NOT {nested} END"
        return self._judge(Texts(select_fields(source, f"{lacks} AS line, 0 AS skipped, {self.received}"), _KEPT))

    def _judge(self, texts: Texts) -> str:
        columns = f"{', '.join(_KEPT)}, v_time, event_type AS type, code, {SAME} AS same"
        return f"SELECT {columns} FROM ({check_texts(texts, self.bounds)})"


def _to_judged_rows(result: pa.Table) -> JudgedRows:
    columns = [_to_one_chunk(result.column(name)) for name in ("line", "v_time", "type", "code", "skipped", "same")]
    line, time, kind = columns[:3]
    codes = columns[3].to_numpy(zero_copy_only=False).astype(np.uint8)
    return JudgedRows(
        line if pa.types.is_boolean(line.type) else line.cast(pa.binary()),
        time.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
        kind,
        codes,
        columns[4].to_numpy(zero_copy_only=False).astype(np.uint16),
        np.where(codes == 0, columns[5].to_numpy(), np.uint64(NONE)),
    )


def _join_members(pieces: list[str]) -> str:
    """Each member ends in a comma, except the last, which is always present: the source."""
    return "concat('{', " + ", ".join(pieces) + ")"


def _make_member(key: str, column: str, escape: bool, always: bool) -> str:
    """SQL of a member of the object, null if the value is missing; the source closes the line. Members that are `always` present
    are joined by one concat."""
    end = "}\n" if key == "source" else ","
    front, back = ('":', end) if escape else ('":"', '"' + end)
    value = f"to_json({name(column)})" if escape else name(column)
    front = literal(orjson.dumps(key).decode()[:-1] + front)
    return f"{front}{', ' if always else ' || '}{value}{', ' if always else ' || '}{literal(back)}"


def _find_columns(table: pa.Table, matches: Callable[[Bytes], Any]) -> frozenset[str]:
    """Columns with a matching byte. Examining all bytes at once is nearly free."""
    return frozenset(name for name in table.column_names if any(_has(chunk, matches) for chunk in table.column(name).chunks))


def _has(column: pa.Array, matches: Callable[[Bytes], Any]) -> bool:
    data = column.buffers()[-1]
    return data is not None and bool(matches(np.frombuffer(data, np.uint8)).any())


def _is_escaped(data: Bytes) -> Any:
    """A character that JSON escapes."""
    return (data < 32) | (data == 34) | (data == 92)


def _is_space(data: Bytes) -> Any:
    return data == 32


def _replace_line_ends(lines: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(lines, "\n")).as_py():
        return pc.replace_substring(lines, "\n", " ")
    return lines


def _to_one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks)
        if column.num_chunks
        else pa.array([], column.type)
    )
