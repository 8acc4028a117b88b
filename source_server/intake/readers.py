"""Reads every kind of file as blocks of rows. Before the first block, the file's columns are checked against the mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import orjson
import pyarrow as pa

from cdp.events import FIELD_NAMES, FIELDS
from cdp.events.reading.sql import PreparedQuery
from cdp.events.reading.texts import path_of, select_texts, to_json_texts
from source_server.intake.block import Block, WholeLines, split_lines
from source_server.intake.delimited import Dialect, read_rows, split_values
from source_server.intake.kinds import DELIMITERS, detect_format
from source_server.intake.mapping import WHITESPACE, Mapping, Shape
from source_server.intake.parquet import PAYLOAD, read_columns, read_parquet_blocks
from source_server.intake.refusal import FileRefused
from source_server.intake.stream import split_blocks

REQUIRED = tuple(field.name for field in FIELDS if field.required)
INSTEAD = {field.name: field.instead for field in FIELDS if field.instead}
_GUESSES = {";": "';'", "\t": 'a tab (delimiter = "tab")', ",": "','", "|": "'|'"}
#: Gets the names of a file's columns; raises FileRefused if they do not fit.
CheckColumns = Callable[[tuple[str, ...]], None]
SHOWN = 80  # characters of a line that a message quotes


def read_blocks(path: Path, mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Iterator[Block]:
    """The file's blocks in order, with rows as columns or as whole lines."""
    kind = detect_format(path, mapping)
    if kind == "parquet":
        return _read_parquet(path, mapping)
    if kind == "ndjson":
        return _read_lines(path, mapping, engine)
    return read_delimited(path, mapping.shape, DELIMITERS[kind], partial(check_columns, path, mapping))


def list_used_columns(mapping: Mapping) -> dict[str, str]:
    """Column -> the key of the mapping that names it."""
    used = {column: f"fields.{field}" for field, rule in mapping.fields for column in rule.columns}
    used |= {rule.times: f"fields.{field}.times" for field, rule in mapping.fields if rule.times}
    used |= dict.fromkeys(mapping.keep, "keep")
    used |= {skip.when.column: f"skip ({skip.rule})" for skip in mapping.skips}
    return used | {change.when.column: "change" for change in mapping.changes}


def check_columns(path: Path, mapping: Mapping, columns: tuple[str, ...]) -> None:
    """Refuse a file that lacks a column that the mapping or the contract needs."""
    names = ", ".join(columns)
    if len(set(columns)) < len(columns):
        raise FileRefused(f"{path.name}: has a column twice; it has {names}.")
    for column, key in list_used_columns(mapping).items():
        if column not in columns:
            raise FileRefused(f"{path.name}: has no column {column}, which {mapping.name} names in {key}; it has {names}.")
    available = {field for field, _ in (*mapping.fields, *mapping.constants)} | set(columns)
    missing = [name for name in REQUIRED if name not in available and INSTEAD.get(name) not in available]
    if missing:
        help_ = (
            "name them in the mapping" if not mapping.identity else "a mapping can say where they come from (docs/mappings.md)"
        )
        raise FileRefused(f"{path.name}: has no column {', '.join(missing)}; it has {names}; {help_}.")
    unknown = [name for name in columns if name not in FIELD_NAMES and name != PAYLOAD]
    if mapping.identity and unknown:
        raise FileRefused(
            f"{path.name}: column {', '.join(unknown)} is not a field of an event; load it with a mapping (docs/mappings.md), "
            f"or rename it to one of {', '.join(FIELD_NAMES)}."
        )


def _read_parquet(path: Path, mapping: Mapping) -> Iterator[Block]:
    check_columns(path, mapping, read_columns(path))
    columns = set(list_used_columns(mapping)) | set(FIELD_NAMES)
    zone = any(rule.zone for _, rule in mapping.fields)
    yield from read_parquet_blocks(path, columns, zone)


def read_delimited(path: Path, shape: Shape, delimiter: str, check: CheckColumns) -> Iterator[Block]:
    """The blocks of a file of delimited text. `check` refuses columns that do not fit; `delimiter` is used if the shape has
    none."""
    split = _DelimitedSplitter(path, shape, shape.delimiter or delimiter, check)
    for fraction in split_blocks(path, shape.encoding, split):
        for block in split.blocks:
            block.fraction = fraction
            yield block
        split.blocks.clear()
    if split.dialect is None:
        raise FileRefused(f"{path.name}: is empty.")


class _DelimitedSplitter:
    """Reads the header, if the file has one, and collects the finished blocks in `blocks`."""

    def __init__(self, path: Path, shape: Shape, delimiter: str, check: CheckColumns) -> None:
        self.path, self.shape, self.check, self.blocks = path, shape, check, list[Block]()
        self.dialect: Dialect | None = None
        white = delimiter == WHITESPACE
        quote = shape.quote if shape.quote is not None else "" if white else '"'
        columns = shape.columns if not shape.header else ()
        self.plain = Dialect(columns, "\t" if white else delimiter, "" if white else quote, white)

    def __call__(self, data: bytes, last: bool, number: int) -> int:
        start = 0
        if self.dialect is None:
            start = self._read_header(data)
            if self.dialect is None:
                return len(data)
        rest = data[start:] if start else data
        block, used = read_rows(rest, last, number + data.count(b"\n", 0, start), self.dialect)
        self._check_rows(block)
        if block.rows:
            self.blocks.append(block)
        return start + used

    def _read_header(self, data: bytes) -> int:
        """Find the header; returns the position of the first row."""
        place = 0
        for _ in range(self.shape.skip_lines):
            place = data.find(b"\n", place) + 1 or len(data)
        while place < len(data):
            end = data.index(b"\n", place) + 1
            if data[place:end].strip():
                columns = self.plain.columns
                if self.shape.header:
                    text = data[place:end].rstrip(b"\r\n")
                    columns = tuple(name.strip() for name in split_values(text, self.plain))
                    self._check_header(columns)
                    place = end
                self.check(columns)
                self.dialect = Dialect(columns, self.plain.delimiter, self.plain.quote, self.plain.whitespace)
                return place
            place = end
        return place

    def _check_header(self, columns: tuple[str, ...]) -> None:
        if len(columns) == 1 and (guess := self._guess(columns[0])):
            raise FileRefused(f"{self.path.name}: the header has one column '{columns[0][:SHOWN]}'; is the delimiter {guess}?")

    def _check_rows(self, block: Block) -> None:
        """If no row of the first block has the right number of values, the file is of another kind."""
        broken = block.whole_lines
        if self.blocks or block.places.size or not broken.places.size or self.dialect is None or broken.places[0] > 1000:
            return
        first = broken.lines[0].as_py().decode("utf-8", "replace")
        guess = self._guess(first)
        hint = f"; is the delimiter {guess}?" if guess else "; is the delimiter right?"
        place = broken.places[0]
        raise FileRefused(
            f"{self.path.name}: no row has the {len(self.dialect.columns)} values {', '.join(self.dialect.columns)}; "
            f"line {place}: {broken.faults[int(place)]}: '{first[:SHOWN]}'{hint}"
        )

    def _guess(self, text: str) -> str | None:
        counts = {mark: text.count(mark) for mark in _GUESSES if mark != self.plain.delimiter}
        best = max(counts, key=lambda mark: counts[mark])
        if counts[best]:
            return _GUESSES[best]
        return 'white space (delimiter = "whitespace")' if len(text.split()) > 1 and not self.plain.whitespace else None


def _read_lines(path: Path, mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Iterator[Block]:
    blocks: list[Block] = []

    def split(data: bytes, last: bool, number: int) -> int:
        blocks.append(split_lines(data, number, path.name))
        return len(data)

    unfold: Callable[[Block], Block] = (lambda block: block) if mapping.identity else _make_unfold(mapping, engine)
    first = True
    for fraction in split_blocks(path, "utf-8", split):
        for block in blocks:
            if first and block.rows:
                _check_keys(path, mapping, block)
                first = False
            unfolded = unfold(block)
            unfolded.fraction = fraction
            yield unfolded
        blocks.clear()


def _check_keys(path: Path, mapping: Mapping, block: Block) -> None:
    """Refuse a file of another kind: one in which no line has the keys that every event has."""
    keys: set[str] = set()
    for line in block.whole_lines.lines.to_pylist():
        keys |= _read_keys(line)
    content = f"its lines have {', '.join(sorted(keys)[:30])}" if keys else "no line of it is a JSON object"
    if mapping.identity:
        if not keys & set(REQUIRED):
            raise FileRefused(f"{path.name}: no line is an event: a JSON object with {', '.join(REQUIRED)}; {content}.")
        return
    for field, rule in mapping.fields:
        for column in rule.columns:
            if field in REQUIRED and column.split(".")[0] not in keys:
                raise FileRefused(f"{path.name}: no line has {column}, which {mapping.name} names in fields.{field}; {content}.")


def _read_keys(line: bytes) -> set[str]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return set()
    return set(value) if isinstance(value, dict) else set()


def _make_unfold(mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Callable[[Block], Block]:
    """A function that turns a block of whole lines into columns."""
    names = list(dict.fromkeys([*list_used_columns(mapping), *FIELD_NAMES]))
    paths = {name: path_of(name) for name in names}
    lines_schema = pa.schema({"j": pa.string()})
    query = PreparedQuery(engine, lines_schema, lambda source: select_texts(source, paths, "listed IS NULL AS broken"))

    def unfold(block: Block) -> Block:
        lines, places = block.whole_lines.lines, block.whole_lines.places
        result = query.run(pa.table([to_json_texts(lines)], schema=lines_schema))
        broken = result.column("broken").to_numpy()
        table = result.drop_columns(["broken"]).filter(pa.array(~broken))
        faults = dict.fromkeys(places[broken].tolist(), "it is not one JSON object")
        whole_lines = WholeLines(lines.filter(pa.array(np.asarray(broken))), places[broken], faults)
        return Block(table, places[~broken], whole_lines)

    return unfold
