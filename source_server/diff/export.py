"""Reads an export: each row becomes its key and its JSON, as the messages will have it. The first fault refuses the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cdp.events.reading.sql import PreparedQuery, literal, name, open_engine
from source_server.diff.columns import TEXT, ColumnType, column_types
from source_server.diff.options import ExportOptions
from source_server.intake.block import Block
from source_server.intake.kinds import DELIMITERS, detect_format
from source_server.intake.mapping import Mapping
from source_server.intake.readers import read_delimited
from source_server.intake.refusal import FileRefused

#: Column of the rows' JSON, and of the line where a row starts; neither is a name of a column of a table.
ROW, LINE = "row", "file line"


class Export:
    """One file. Iterating over it yields tables of the key's columns, ROW and LINE, in the order of the file."""

    def __init__(self, path: Path, options: ExportOptions) -> None:
        self._path = path
        self._options = options
        self._types = column_types(options.table, options.shape)
        self._columns: tuple[str, ...] = ()  # the platform's names, in the order of the file

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        """Columns that the platform does not know. They are sent as text."""
        return tuple(column for column in self._columns if column not in self._types)

    def __iter__(self) -> Iterator[pa.Table]:
        kind = detect_format(self._path, Mapping("", shape=self._options.shape))
        if kind not in DELIMITERS:
            raise FileRefused(f"{self._path.name}: an export must be delimited text, .csv or .tsv, also with .gz, .zst or .zip.")
        with closing(open_engine()) as engine:
            engine.execute(f"SET TimeZone = {literal(self._options.zone)}")
            query: PreparedQuery | None = None
            for block in read_delimited(self._path, self._options.shape, DELIMITERS[kind], self._check_columns):
                query = query or PreparedQuery(engine, self._make_schema(), self._make_query)
                yield self._read_block(query, block)

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        listed = ", ".join(columns)
        for theirs, _ in self._options.renames:
            if theirs not in columns:
                raise FileRefused(f"{self._path.name}: has no column {theirs}; it has {listed}.")
        if "" in columns:
            raise FileRefused(f"{self._path.name}: column {columns.index('') + 1} has no name; name it or leave it out.")
        renames = dict(self._options.renames)
        names = tuple(renames.get(column, column) for column in columns)
        for column in names:
            if names.count(column) > 1:
                raise FileRefused(f"{self._path.name}: has the column {column} twice; it has {listed}.")
        for column in self._options.key:
            if column not in names:
                key = ",".join(self._options.key)
                raise FileRefused(
                    f"{self._path.name}: has no column {column}; the key of {self._options.table} is {key}, and the file has "
                    f"{listed}. Name the file's own columns of the key: --key"
                )
        self._columns = names

    def _make_schema(self) -> pa.Schema:
        texts = [(_nickname(number), pa.string()) for number in range(len(self._columns))]
        return pa.schema([*texts, ("place", pa.int64())])

    def _make_query(self, source: str) -> str:
        types = [self._types.get(column, TEXT) for column in self._columns]
        values = ", ".join(f"{each.read(_nickname(number))} AS v{number}" for number, each in enumerate(types))
        checks = " ".join(f"WHEN {self._make_check(number)} THEN {number}" for number in range(len(self._columns)))
        keys = ", ".join(f"CAST(v{self._columns.index(column)} AS BIGINT) AS {name(column)}" for column in self._options.key)
        fields = ", ".join(f"{name(column)} := v{self._columns.index(column)}" for column in self._order_columns())
        return f"""
            SELECT {keys}, CAST(to_json(struct_pack({fields})) AS VARCHAR) AS {name(ROW)}, place AS {name(LINE)},
                CASE {checks} END AS fault
            FROM (SELECT *, {values} FROM {source})"""

    def _make_check(self, number: int) -> str:
        """SQL that is true if the value of a column does not fit. A value of the key must not be missing."""
        if self._columns[number] in self._options.key:
            return f"v{number} IS NULL"
        return f"{_nickname(number)} IS NOT NULL AND v{number} IS NULL"

    def _order_columns(self) -> list[str]:
        """The order of the file's columns makes no difference."""
        return [column for column in self._types if column in self._columns] + sorted(self.unknown_columns)

    def _read_block(self, query: PreparedQuery, block: Block) -> pa.Table:
        if block.table is None:
            raise AssertionError("a block of delimited text has a table")
        rows = query.run(pa.table([*block.table.columns, pa.array(block.places)], schema=self._make_schema()))
        wrong = rows.filter(pc.is_valid(rows["fault"]))
        numbers = zip(wrong[LINE].to_pylist(), wrong["fault"].to_pylist(), strict=True)
        faults = block.whole_lines.faults | {place: self._describe_fault(number) for place, number in numbers}
        if faults:
            place = int(min(faults))
            raise FileRefused(f"{self._path.name}: line {place:,}: {faults[place]}; nothing was sent.")
        return rows.drop_columns(["fault"])

    def _describe_fault(self, number: int) -> str:
        """Does not quote the value, which may be personal data."""
        column = self._columns[number]
        expected: ColumnType = self._types.get(column, TEXT)
        also = " and must not be empty" if column in self._options.key else ""
        return f"{column} must be {expected.expected}{also}"


def make_schema(key: Sequence[str]) -> pa.Schema:
    """The schema of an export's tables. All keys of the shop's tables are numbers."""
    return pa.schema([*((column, pa.int64()) for column in key), (ROW, pa.string()), (LINE, pa.int64())])


def _nickname(number: int) -> str:
    """The file's own names could be anything, also that of another column of the query."""
    return f"c{number}"
