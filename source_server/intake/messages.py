"""A block's rows as the messages that go to Kafka, each judged: one SQL text a mapping, run over each block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events import FIELD_NAMES
from cdp.settings import current
from source_server.intake.block import Kept
from source_server.intake.fields import field_values, skipped_by
from source_server.intake.judge import Shop, judging
from source_server.intake.lines import path_of, readable, texts_of
from source_server.intake.mapping import Mapping
from source_server.intake.repeated import NONE
from source_server.intake.sql import literal, name

Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Judged:
    """Messages with their line ends; `codes` are the numbers of the judge's checks, 0 an event. `same` is equal where the parser
    would make the same id of two events."""

    lines: pa.Array
    times: pa.Array
    types: pa.Array
    codes: npt.NDArray[np.uint8]
    skipped: npt.NDArray[np.uint16]
    same: npt.NDArray[np.uint64]


class Messages:
    """Knows the mapping, the source's name and the shop; keeps the SQL it made."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, mapping: Mapping, source: str, now: datetime, add_source: bool) -> None:
        self.engine, self.mapping, self.source = engine, mapping, source
        self.shop, self.add_source = Shop.at(now, current()), add_source
        self.made: dict[tuple[Any, ...], str] = {}

    def of_rows(self, table: pa.Table) -> Judged:
        columns, unclean, spaced = tuple(table.column_names), _with_bytes(table, _is_escaped), _with_bytes(table, _is_space)
        full = frozenset(name for name in columns if not table.column(name).null_count)
        key = (columns, unclean, full, spaced)
        if key not in self.made:
            self.made[key] = self._sql_of_rows(columns, unclean, full, spaced)
        return self._run("rows_read", table, self.made[key])

    def of_lines(self, kept: Kept) -> Judged:
        """A line stays as it came, apart from the source where it is a flat object without one."""
        lines = _in_one_line(kept.lines)
        judged = readable(lines)
        found = self._run("lines_read", pa.table({"j": judged}), self._sql_of_lines())
        found.lines = self._sent(lines, found.lines)
        return found

    def _sent(self, lines: pa.Array, lacks_source: pa.Array) -> pa.Array:
        """The lines with their ends; where a flat object lacks the source, that is put in as text."""
        plain = pc.binary_join_element_wise(lines, b"\n", pa.scalar(b"", pa.binary()))
        if not pc.any(lacks_source).as_py():
            return plain
        # A flat object ends in one bracket, so that taking off all there are is right.
        texts = pc.if_else(lacks_source, lines, b"").cast(pa.string())
        opened = pc.ascii_rtrim(pc.ascii_rtrim(texts, " \t\r"), "}")
        empty = pc.ends_with(pc.ascii_rtrim(opened, " \t\r"), "{")
        member = '"source":' + orjson.dumps(self.source).decode() + "}\n"
        closed = pc.binary_join_element_wise(opened, pc.if_else(empty, member, "," + member), "")
        return pc.if_else(lacks_source, closed.cast(pa.binary()), plain)

    def _run(self, view: str, table: pa.Table, sql: str) -> Judged:
        self.engine.register(view, table)
        try:
            found = self.engine.sql(sql).to_arrow_table().combine_chunks()
        finally:
            self.engine.unregister(view)
        columns = [_one(found.column(name)) for name in ("line", "v_time", "type", "code", "skipped", "same")]
        line, time, kind = columns[:3]
        codes = columns[3].to_numpy(zero_copy_only=False).astype(np.uint8)
        return Judged(
            line if pa.types.is_boolean(line.type) else line.cast(pa.binary()),
            time.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            kind,
            codes,
            columns[4].to_numpy(zero_copy_only=False).astype(np.uint16),
            np.where(codes == 0, columns[5].to_numpy(), np.uint64(NONE)),
        )

    def _sql_of_rows(
        self, columns: tuple[str, ...], unclean: frozenset[str], full: frozenset[str], spaced: frozenset[str]
    ) -> str:
        values = field_values(self.mapping, columns)
        values["source"] = f"coalesce({values['source']}, {literal(self.source)})" if "source" in values else literal(self.source)
        wary = bool(unclean) or not self._says_plain_texts()
        fields = ", ".join(f"{values.get(field, 'CAST(NULL AS VARCHAR)')} AS {name(field)}" for field in FIELD_NAMES)
        kept = "".join(f", {name(column)} AS {name('keep ' + column)}" for column in self.mapping.keep)
        pieces = [_piece(column, "keep " + column, escape=True, always=False) for column in self.mapping.keep]
        for field in FIELD_NAMES:
            if field in values:
                always = field == "source" or values[field] in map(name, full)
                pieces.append(_piece(field, field, wary and self._may_escape(field, unclean), always))
        line = _line_of(pieces)
        frame = f"""SELECT *, {line} AS line, true AS is_object
            FROM (SELECT {skipped_by(self.mapping)} AS skipped, {fields}{kept} FROM rows_read)"""
        if wary:
            frame = f"SELECT *, contains(line, '\\') AS has_escapes FROM ({frame})"
        plain = {field for field in FIELD_NAMES for column in set(columns) - spaced if values.get(field) == name(column)}
        return judging(frame, self.shop, not wary, "line, skipped", frozenset(FIELD_NAMES) - plain)

    def _may_escape(self, field: str, unclean: frozenset[str]) -> bool:
        """Fields that the mapping makes may hold anything; a plain column is known."""
        said = {field for field, _ in (*self.mapping.fields, *self.mapping.constants)}
        return field in unclean or field in said or field == "source" or bool(self.mapping.changes)

    def _says_plain_texts(self) -> bool:
        """Whether no text that the mapping or the source's name brings has to be escaped."""
        said = orjson.dumps([self.source, repr(self.mapping.constants), repr(self.mapping.changes), repr(self.mapping.fields)])
        return b"\\" not in said

    def _sql_of_lines(self) -> str:
        listed, members = texts_of("j", {field: path_of(field) for field in FIELD_NAMES})
        nested = r"CASE WHEN regexp_matches(j, '.[{\[]') THEN regexp_matches(json_structure(j), '^.+[{\[]') ELSE false END"
        lacks = "false"
        if self.add_source:
            lacks = f"CASE WHEN listed IS NULL THEN false WHEN json_exists(j, '$.source') THEN false ELSE NOT {nested} END"
        frame = f"""SELECT {", ".join(members)}, listed IS NOT NULL AS is_object, contains(j, '\\') AS has_escapes,
            {lacks} AS line, 0 AS skipped
            FROM (SELECT j, {listed} AS listed FROM lines_read)"""
        return judging(frame, self.shop, False, "line, skipped")


def _line_of(pieces: list[str]) -> str:
    """The pieces end in a comma each, but for the last, which is always there: the source."""
    return "concat('{', " + ", ".join(pieces) + ")"


def _piece(key: str, column: str, escape: bool, always: bool) -> str:
    """A member of the object, nothing where the value is missing; the source closes the line. One that is always there is
    put together with all others at once."""
    end = "}\n" if key == "source" else ","
    front, back = ('":', end) if escape else ('":"', '"' + end)
    value = f"to_json({name(column)})" if escape else name(column)
    front = literal(orjson.dumps(key).decode()[:-1] + front)
    return f"{front}{', ' if always else ' || '}{value}{', ' if always else ' || '}{literal(back)}"


def _with_bytes(table: pa.Table, wanted: Callable[[Bytes], Any]) -> frozenset[str]:
    """Columns with such a byte: looking at all bytes at once is nearly free."""
    return frozenset(name for name in table.column_names if any(_has(chunk, wanted) for chunk in table.column(name).chunks))


def _has(column: pa.Array, wanted: Callable[[Bytes], Any]) -> bool:
    data = column.buffers()[-1]
    return data is not None and bool(wanted(np.frombuffer(data, np.uint8)).any())


def _is_escaped(data: Bytes) -> Any:
    """A character that JSON escapes."""
    return (data < 32) | (data == 34) | (data == 92)


def _is_space(data: Bytes) -> Any:
    return data == 32


def _in_one_line(lines: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(lines, "\n")).as_py():
        return pc.replace_substring(lines, "\n", " ")
    return lines


def _one(column: pa.ChunkedArray) -> pa.Array:
    return (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks)
        if column.num_chunks
        else pa.array([], column.type)
    )
