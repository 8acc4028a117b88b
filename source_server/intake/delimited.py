"""Delimited text: finds the rows of a block and lets Arrow read their columns; rows that don't fit are kept as whole lines.

Arrow and DuckDB can report a row with too few or too many values, but after one stray quote both swallow hundreds of good rows,
and on bad UTF-8 Arrow refuses the whole file. So bad rows are removed first: numpy examines all lines at once, and only the few
with odd quotes are read one by one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from source_server.intake.block import Block, WholeLines, no_places

NEWLINE, RETURN, SPACE, TAB = 10, 13, 32, 9
#: A quoted value of more lines than this is treated as a stray quote, which then costs only one row.
MAX_ROW_LINES = 200

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The names of the columns, and how values are separated."""

    columns: tuple[str, ...]
    delimiter: str
    quote: str
    whitespace: bool = False


@dataclass(slots=True)
class _Lines:
    """The lines of a block. `rows` marks the lines that are complete rows; `rewritten` holds rows that replace odd lines."""

    data: bytes
    starts: Ints
    ends: Ints  # after the line end
    text_ends: Ints  # before it
    rows: Bools
    rewritten: dict[int, bytes]
    broken: dict[int, str]

    def text(self, line: int) -> bytes:
        return self.data[self.starts[line] : self.text_ends[line]]


def read_rows(data: bytes, last: bool, number: int, dialect: Dialect) -> tuple[Block, int]:
    """The block's rows, and the number of bytes used: a quoted value may need lines that are not read yet."""
    original = data
    if dialect.whitespace:
        data = _replace_white_space(data)
    lines = _find_rows(data, dialect)
    used = _read_odd_lines(lines, last, dialect)
    _remove_bad_bytes(lines, used)
    good = lines.rows[:used]
    if lines.rewritten:
        good[list(lines.rewritten)] = True
    table = _read_table(lines, good, dialect)
    whole_lines = _collect_broken(_find_lines(original) if dialect.whitespace else lines, lines.broken, number)
    end = int(lines.ends[used - 1]) if used else 0
    if dialect.whitespace and used:
        end = int(_find_lines(original).ends[used - 1])
    return Block(table, np.flatnonzero(good) + number, whole_lines), end


def split_values(text: bytes, dialect: Dialect) -> list[str]:
    """The values of one line, for the header or an error message."""
    if dialect.whitespace:
        return text.decode("utf-8", "replace").split()
    return next(csv.reader([text.decode("utf-8", "replace")], **_csv_options(dialect)), [])


def _find_lines(data: bytes) -> _Lines:
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE) + 1
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if len(ends) else no_places()
    text_ends = ends - 1
    text_ends = text_ends - ((text_ends > starts) & (array[np.maximum(text_ends - 1, 0)] == RETURN))
    return _Lines(data, starts, ends, text_ends, np.zeros(len(ends), np.bool_), {}, {})


def _find_rows(data: bytes, dialect: Dialect) -> _Lines:
    """Mark the lines that are certainly rows."""
    lines, array = _find_lines(data), np.frombuffer(data, np.uint8)
    delimiters = np.flatnonzero(array == ord(dialect.delimiter))
    odd = _with_lone_return(data, array, lines)
    quote = dialect.quote.encode()
    if quote and quote in data:
        quotes = np.flatnonzero(array == quote[0])
        odd |= _with_odd_quotes(array, quotes, lines, dialect)
        delimiters = delimiters[~_is_inside(delimiters, quotes, lines)]
    count = np.diff(np.searchsorted(delimiters, np.append(lines.starts, len(data))))
    lines.rows = (count == len(dialect.columns) - 1) & ~odd & (lines.text_ends > lines.starts)
    return lines


def _with_lone_return(data: bytes, array: npt.NDArray[np.uint8], lines: _Lines) -> Bools:
    """Lines with a carriage return inside, which Arrow would treat as a line end."""
    odd = np.zeros(len(lines.starts), np.bool_)
    if b"\r" in data:
        returns = np.flatnonzero(array == RETURN)
        lone = returns[array[returns + 1] != NEWLINE]
        odd[np.searchsorted(lines.ends, lone, side="right")] = True
    return odd


def _with_odd_quotes(array: npt.NDArray[np.uint8], quotes: Ints, lines: _Lines, dialect: Dialect) -> Bools:
    """Lines with a quote that neither opens nor closes a value nor is doubled within one, or with an unclosed quote."""
    first = np.searchsorted(quotes, np.append(lines.starts, len(array)))
    counts = np.diff(first)
    opens = (np.arange(len(quotes)) - np.repeat(first[:-1], counts)) % 2 == 0
    edge = np.zeros(256, np.bool_)
    edge[[ord(dialect.delimiter), NEWLINE, ord(dialect.quote)]] = True
    before = np.where(quotes > 0, array[quotes - 1], NEWLINE)
    edge_after = edge.copy()
    edge_after[RETURN] = True
    fits = np.where(opens, edge[before], edge_after[array[quotes + 1]])
    odd = counts % 2 == 1
    odd[np.searchsorted(lines.ends, quotes[~fits], side="right")] = True
    return np.asarray(odd)


def _is_inside(places: Ints, quotes: Ints, lines: _Lines) -> Bools:
    """Whether each place is between two quotes of its line."""
    before = np.searchsorted(quotes, places)
    line = np.searchsorted(lines.ends, places, side="right")
    return np.asarray((before - np.searchsorted(quotes, lines.starts)[line]) % 2 == 1)


def _csv_options(dialect: Dialect) -> dict[str, Any]:
    if not dialect.quote:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote}


def _read_odd_lines(lines: _Lines, last: bool, dialect: Dialect) -> int:
    """Read the lines that are no plain rows, in the order of the file. Returns the number of lines used."""
    after, total = 0, len(lines.starts)
    for line in np.flatnonzero(~lines.rows).tolist():
        if line < after or lines.text_ends[line] == lines.starts[line]:
            continue
        values, count, open_end = _read_row(lines, line, dialect)
        if open_end and not last and line + MAX_ROW_LINES >= total:
            return line
        if count > 1:
            lines.rows[line : line + count] = False
            after = line + count
        if isinstance(values, str):
            if lines.text(line).strip():
                lines.broken[line] = values
        else:
            lines.rewritten[line] = _rewrite(values, dialect)
    return total


def _read_row(lines: _Lines, line: int, dialect: Dialect) -> tuple[list[str] | str, int, bool]:
    """The values of the row that starts here, or what is wrong with it; its number of lines; whether it may continue after the
    block."""
    expected, end = len(dialect.columns), min(len(lines.starts), line + MAX_ROW_LINES)
    ran_out = False

    def texts() -> Iterator[str]:
        nonlocal ran_out
        for place in range(line, end):
            yield lines.data[lines.starts[place] : lines.ends[place]].decode("utf-8", "surrogateescape")
        ran_out = True

    try:
        values, count = _read_first(texts(), dialect)
    except csv.Error:
        # A row with a quote inside a value is accepted if it is complete on its own line, and refused if it would continue.
        alone = split_values(lines.text(line), dialect) if b"\r" not in lines.text(line) else []
        fits = len(alone) == expected and not ran_out
        return (alone if fits else _describe_fault(alone, expected, ran_out)), 1, ran_out
    if len(values) == expected and not ran_out:
        return values, count, False
    return _describe_fault(values if count == 1 else split_values(lines.text(line), dialect), expected, ran_out), 1, ran_out


def _read_first(texts: Iterator[str], dialect: Dialect) -> tuple[list[str], int]:
    reader = csv.reader(texts, strict=True, **_csv_options(dialect))
    return next(reader), reader.line_num


def _describe_fault(values: list[str], expected: int, open_quote: bool) -> str:
    if open_quote:
        return "a quote is opened but not closed"
    if len(values) == expected or not values:
        return "the row can't be read: it has a quote or a carriage return in a wrong place"
    return f"the row has {len(values)} value{'s' if len(values) > 1 else ''} instead of {expected}"


def _rewrite(values: list[str], dialect: Dialect) -> bytes:
    """The row with all values quoted."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(values)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _remove_bad_bytes(lines: _Lines, used: int) -> None:
    """Keep rows with invalid bytes as whole lines. Usually one check of the whole block finds none."""
    if lines.data.isascii() or _is_text(lines.data):
        return
    for line in range(used):
        row = lines.rewritten.get(line) or lines.data[lines.starts[line] : lines.ends[line]]
        if not _is_text(row) and (lines.rows[line] or line in lines.rewritten):
            lines.rows[line] = False
            lines.rewritten.pop(line, None)
            lines.broken[line] = "the row has bytes that are not valid in the file's encoding"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_table(lines: _Lines, good: Bools, dialect: Dialect) -> pa.Table:
    names = list(dialect.columns)
    if not good.any():
        return pa.table({name: pa.array([], pa.string()) for name in names})
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )
    parse_options = pacsv.ParseOptions(
        delimiter=dialect.delimiter, quote_char=dialect.quote or False, newlines_in_values=bool(lines.rewritten)
    )
    read_options = pacsv.ReadOptions(column_names=names, block_size=1 << 20)
    table = pacsv.read_csv(pa.BufferReader(_join_rows(lines, good)), read_options, parse_options, options)
    if table.num_rows != int(good.sum()):
        raise AssertionError(f"{good.sum()} rows were expected and {table.num_rows} read")
    return table


def _join_rows(lines: _Lines, good: Bools) -> pa.Buffer:
    """The good rows only, one after the other."""
    if len(good) == len(lines.starts) and good.all() and not lines.rewritten:
        return pa.py_buffer(lines.data)
    offsets = pa.py_buffer(np.append(lines.starts, len(lines.data)).astype(np.int32))
    physical = pa.Array.from_buffers(pa.binary(), len(lines.starts), [None, offsets, pa.py_buffer(lines.data)])
    places = np.arange(len(good))
    if lines.rewritten:
        physical = pa.concat_arrays([physical, pa.array(list(lines.rewritten.values()), pa.binary())])
        places[list(lines.rewritten)] = len(lines.starts) + np.arange(len(lines.rewritten))
    selected = physical.take(pa.array(places[good]))
    return selected.buffers()[2]


def _collect_broken(lines: _Lines, broken: dict[int, str], number: int) -> WholeLines:
    order = sorted(broken)
    texts = [lines.text(line) for line in order]
    places = np.array(order, np.int64) + number
    return WholeLines(pa.array(texts, pa.binary()), places, {line + number: broken[line] for line in order})


def _replace_white_space(data: bytes) -> bytes:
    """Replace every run of spaces and tabs by one tab, and remove those at the edges of a line."""
    array = np.frombuffer(data, np.uint8)
    blank = (array == SPACE) | (array == TAB)
    edge_before = np.concatenate(([True], blank[:-1] | (array[:-1] == NEWLINE)))
    array = array[~(blank & edge_before)]
    blank = (array == SPACE) | (array == TAB)
    after = np.concatenate((array[1:], [NEWLINE]))
    ends = blank & ((after == NEWLINE) | (after == RETURN))
    array, blank = array[~ends], blank[~ends]
    return np.where(blank, np.uint8(TAB), array).tobytes()
