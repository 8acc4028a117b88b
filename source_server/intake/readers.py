"""Every kind of file as blocks of rows; what the file has for columns is held against the mapping before the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import orjson
import pyarrow as pa

from cdp.events import FIELD_NAMES, FIELDS
from source_server.intake.block import Block, Kept
from source_server.intake.delimited import Dialect, rows_of, values_in
from source_server.intake.kinds import DELIMITERS, format_of
from source_server.intake.lines import lines_of, path_of, readable, texts_of
from source_server.intake.mapping import WHITESPACE, Mapping
from source_server.intake.parquet import PAYLOAD, blocks_of, columns_of
from source_server.intake.refusal import FileRefused
from source_server.intake.stream import split_blocks

REQUIRED = tuple(field.name for field in FIELDS if field.required)
INSTEAD = {field.name: field.instead for field in FIELDS if field.instead}
_GUESSES = {";": "';'", "\t": 'a tab (delimiter = "tab")', ",": "','", "|": "'|'"}
SHOWN = 80  # characters of a line that a message repeats


def blocks(path: Path, mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Iterator[Block]:
    """The file's blocks in its order; rows as columns, or lines kept whole."""
    kind = format_of(path, mapping)
    if kind == "parquet":
        return _of_parquet(path, mapping)
    if kind == "ndjson":
        return _of_lines(path, mapping, engine)
    return _of_delimited(path, mapping, DELIMITERS[kind])


def used_columns(mapping: Mapping) -> dict[str, str]:
    """Column -> the key of the mapping that names it."""
    used = {column: f"fields.{field}" for field, rule in mapping.fields for column in rule.columns}
    used |= {rule.times: f"fields.{field}.times" for field, rule in mapping.fields if rule.times}
    used |= dict.fromkeys(mapping.keep, "keep")
    used |= {skip.when.column: f"skip ({skip.rule})" for skip in mapping.skips}
    return used | {change.when.column: "change" for change in mapping.changes}


def check_columns(path: Path, mapping: Mapping, found: tuple[str, ...]) -> None:
    """Refuses a file that has not the columns which the mapping, or the contract, needs."""
    held = ", ".join(found)
    if len(set(found)) < len(found):
        raise FileRefused(f"{path.name}: has a column twice; it has {held}.")
    for column, key in used_columns(mapping).items():
        if column not in found:
            raise FileRefused(f"{path.name}: has no column {column}, which {mapping.name} names in {key}; it has {held}.")
    given = {field for field, _ in (*mapping.fields, *mapping.constants)} | set(found)
    missing = [name for name in REQUIRED if name not in given and INSTEAD.get(name) not in given]
    if missing:
        help_ = (
            "name them in the mapping" if not mapping.identity else "a mapping can say where they come from (docs/mappings.md)"
        )
        raise FileRefused(f"{path.name}: has no column {', '.join(missing)}; it has {held}; {help_}.")
    unknown = [name for name in found if name not in FIELD_NAMES and name != PAYLOAD]
    if mapping.identity and unknown:
        raise FileRefused(
            f"{path.name}: column {', '.join(unknown)} is no field of an event; load it with a mapping (docs/mappings.md), "
            f"or name it one of {', '.join(FIELD_NAMES)}."
        )


def _of_parquet(path: Path, mapping: Mapping) -> Iterator[Block]:
    check_columns(path, mapping, columns_of(path))
    wanted = set(used_columns(mapping)) | set(FIELD_NAMES)
    zone = any(rule.zone for _, rule in mapping.fields)
    yield from blocks_of(path, wanted, zone)


def _of_delimited(path: Path, mapping: Mapping, delimiter: str) -> Iterator[Block]:
    split = _Delimited(path, mapping, mapping.shape.delimiter or delimiter)
    for fraction in split_blocks(path, mapping.shape.encoding, split):
        for block in split.done:
            block.fraction = fraction
            yield block
        split.done.clear()
    if split.dialect is None:
        raise FileRefused(f"{path.name}: is empty.")


class _Delimited:
    """Takes the first row for the header where there is one; what is read waits in `done`."""

    def __init__(self, path: Path, mapping: Mapping, delimiter: str) -> None:
        self.path, self.mapping, self.done = path, mapping, list[Block]()
        self.dialect: Dialect | None = None
        white = delimiter == WHITESPACE
        quote = mapping.shape.quote if mapping.shape.quote is not None else "" if white else '"'
        columns = mapping.shape.columns if not mapping.shape.header else ()
        self.plain = Dialect(columns, "\t" if white else delimiter, "" if white else quote, white)

    def __call__(self, data: bytes, last: bool, number: int) -> int:
        start = 0
        if self.dialect is None:
            start = self._open(data)
            if self.dialect is None:
                return len(data)
        rest = data[start:] if start else data
        block, used = rows_of(rest, last, number + data.count(b"\n", 0, start), self.dialect)
        self._check_rows(block)
        if block.rows:
            self.done.append(block)
        return start + used

    def _open(self, data: bytes) -> int:
        """Finds the header; gives the place where the rows begin."""
        place = 0
        for _ in range(self.mapping.shape.skip_lines):
            place = data.find(b"\n", place) + 1 or len(data)
        while place < len(data):
            end = data.index(b"\n", place) + 1
            if data[place:end].strip():
                columns = self.plain.columns
                if self.mapping.shape.header:
                    text = data[place:end].rstrip(b"\r\n")
                    columns = tuple(name.strip() for name in values_in(text, self.plain))
                    self._check_header(columns)
                    place = end
                check_columns(self.path, self.mapping, columns)
                self.dialect = Dialect(columns, self.plain.delimiter, self.plain.quote, self.plain.whitespace)
                return place
            place = end
        return place

    def _check_header(self, columns: tuple[str, ...]) -> None:
        if len(columns) == 1 and (guess := self._guess(columns[0])):
            raise FileRefused(f"{self.path.name}: the header has one column '{columns[0][:SHOWN]}'; is the delimiter {guess}?")

    def _check_rows(self, block: Block) -> None:
        """A first block in which no row has the right number of values is another kind of file."""
        if self.done or block.places.size or not block.kept.places.size or self.dialect is None or block.kept.places[0] > 1000:
            return
        first = block.kept.lines[0].as_py().decode("utf-8", "replace")
        guess = self._guess(first)
        hint = f"; is the delimiter {guess}?" if guess else "; is the delimiter right?"
        place = block.kept.places[0]
        raise FileRefused(
            f"{self.path.name}: no row has the {len(self.dialect.columns)} values {', '.join(self.dialect.columns)}; "
            f"line {place}: {block.kept.why[int(place)]}: '{first[:SHOWN]}'{hint}"
        )

    def _guess(self, text: str) -> str | None:
        counts = {mark: text.count(mark) for mark in _GUESSES if mark != self.plain.delimiter}
        best = max(counts, key=lambda mark: counts[mark])
        if counts[best]:
            return _GUESSES[best]
        return 'white space (delimiter = "whitespace")' if len(text.split()) > 1 and not self.plain.whitespace else None


def _of_lines(path: Path, mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Iterator[Block]:
    done: list[Block] = []

    def split(data: bytes, last: bool, number: int) -> int:
        done.append(lines_of(data, number, path.name))
        return len(data)

    as_read: Callable[[Block], Block] = (lambda block: block) if mapping.identity else _columns_of(mapping, engine)
    first = True
    for fraction in split_blocks(path, "utf-8", split):
        for block in done:
            if first and block.rows:
                _check_keys(path, mapping, block)
                first = False
            read = as_read(block)
            read.fraction = fraction
            yield read
        done.clear()


def _check_keys(path: Path, mapping: Mapping, block: Block) -> None:
    """Lines are not refused one by one, but a file in which no line has what every event has is another kind of file."""
    keys: set[str] = set()
    for line in block.kept.lines.to_pylist():
        keys |= _keys(line)
    held = f"its lines have {', '.join(sorted(keys)[:30])}" if keys else "no line of it is a JSON object"
    if mapping.identity:
        if not keys & set(REQUIRED):
            raise FileRefused(f"{path.name}: no line is an event: a JSON object with {', '.join(REQUIRED)}; {held}.")
        return
    for field, rule in mapping.fields:
        for column in rule.columns:
            if field in REQUIRED and column.split(".")[0] not in keys:
                raise FileRefused(f"{path.name}: no line has {column}, which {mapping.name} names in fields.{field}; {held}.")


def _keys(line: bytes) -> set[str]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return set()
    return set(found) if isinstance(found, dict) else set()


def _columns_of(mapping: Mapping, engine: duckdb.DuckDBPyConnection) -> Callable[[Block], Block]:
    names = list(dict.fromkeys([*used_columns(mapping), *FIELD_NAMES]))
    listed, members = texts_of("j", {name: path_of(name) for name in names})
    sql = f"SELECT {', '.join(members)}, listed IS NULL AS broken FROM (SELECT {listed} AS listed FROM lines)"

    def unfold(block: Block) -> Block:
        lines = pa.table({"j": readable(block.kept.lines, exact_numbers=True)})
        engine.register("lines", lines)
        found = engine.sql(sql).to_arrow_table()
        broken = found.column("broken").to_numpy()
        table, places = found.drop_columns(["broken"]).filter(pa.array(~broken)), block.kept.places
        why = dict.fromkeys(places[broken].tolist(), "it is not one JSON object")
        return Block(table, places[~broken], Kept(block.kept.lines.filter(pa.array(np.asarray(broken))), places[broken], why))

    return unfold
