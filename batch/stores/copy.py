"""Copies rows into Postgres straight from the executors. Spark formats the lines; Python only passes them on.
Lines reach Python as JSON, which costs less than Spark's rows.

One frame may hold lines of several tables, so that one Spark job copies all of them.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import orjson
import psycopg2
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.mart.table import Table

CHUNK_LINES = 20_000
NULL = r"\N"


def lines_of(frame: DataFrame, table: Table) -> DataFrame:
    """Columns `table`, the name of the table, and `line`."""
    return frame.select(F.lit(table.name).alias("table"), make_line(table).alias("line"))


def make_line(table: Table) -> Column:
    """A row in COPY's text format."""
    return F.concat_ws("\t", *(_format_field(column.name, column.kind) for column in table.columns))


def _format_field(name: str, kind: str) -> Column:
    text = F.col(name).cast("string")
    if kind in ("text", "json"):
        text = F.regexp_replace(text, r"\\", r"\\\\")
    if kind == "time":
        text = F.concat(text, F.lit("+00"))
    return F.coalesce(text, F.lit(NULL))


def copy_lines(lines: DataFrame, tables: Iterable[Table], connection_arguments: dict[str, Any]) -> Counter[str]:
    """Copy lines into the `_next` tables, and return the number of lines per table. A task commits at its end, so a retry starts
    from nothing."""
    statements = {table.name: f"COPY {table.next_name} ({', '.join(table.column_names)}) FROM STDIN" for table in tables}
    copy = partial(_copy_partition, connection_arguments, statements)
    return sum(lines.select("table", "line").toJSON().mapPartitions(copy).collect(), Counter())  # one Counter per task


def _copy_partition(
    connection_arguments: dict[str, Any], statements: dict[str, str], rows: Iterable[str]
) -> Iterator[Counter[str]]:
    chunks, counts = _split(rows), Counter[str]()
    first = next(chunks, None)
    if first is None:
        return
    connection = psycopg2.connect(**connection_arguments)
    try:
        with connection, connection.cursor() as cursor:
            for table, lines in chain([first], chunks):
                cursor.copy_expert(statements[table], io.StringIO("\n".join(lines)))
                counts[table] += len(lines)
    finally:
        connection.close()
    yield counts


def _split(rows: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Chunks of lines, each of one table."""
    waiting: dict[str, list[str]] = {}
    for row in map(orjson.loads, rows):
        lines = waiting.setdefault(row["table"], [])
        lines.append(row["line"])
        if len(lines) == CHUNK_LINES:
            yield row["table"], waiting.pop(row["table"])
    yield from waiting.items()
