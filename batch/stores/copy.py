"""Rows into Postgres by COPY, straight from the executors. Spark writes the lines; Python only passes them on.
They reach it as JSON, which costs less than Spark's rows do.

Lines of several tables may come in one frame, so that all of them are one job of Spark.
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

from cdp.table import Table

LINES_AT_A_TIME = 20_000
NULL = r"\N"


def lines_of(frame: DataFrame, table: Table) -> DataFrame:
    """`table`, its name, and `line`."""
    return frame.select(F.lit(table.name).alias("table"), line(table).alias("line"))


def line(table: Table) -> Column:
    """A row in COPY's text format."""
    return F.concat_ws("\t", *(_field(column.name, column.kind) for column in table.columns))


def _field(name: str, kind: str) -> Column:
    text = F.col(name).cast("string")
    if kind in ("text", "json"):
        text = F.regexp_replace(text, r"\\", r"\\\\")
    if kind == "time":
        text = F.concat(text, F.lit("+00"))
    return F.coalesce(text, F.lit(NULL))


def copy_lines(lines: DataFrame, tables: Iterable[Table], connection_arguments: dict[str, Any]) -> Counter[str]:
    """Lines into the `_next` of their tables, and how many went into each. A task that is tried again begins anew: it
    commits at its end."""
    statements = {table.name: f"COPY {table.next_name} ({', '.join(table.column_names)}) FROM STDIN" for table in tables}
    copy = partial(_copy_partition, connection_arguments, statements)
    return sum(lines.select("table", "line").toJSON().mapPartitions(copy).collect(), Counter())  # one a task


def _copy_partition(
    connection_arguments: dict[str, Any], statements: dict[str, str], rows: Iterable[str]
) -> Iterator[Counter[str]]:
    chunks, copied = _chunks(rows), Counter[str]()
    first = next(chunks, None)
    if first is None:
        return
    connection = psycopg2.connect(**connection_arguments)
    try:
        with connection, connection.cursor() as cursor:
            for table, lines in chain([first], chunks):
                cursor.copy_expert(statements[table], io.StringIO("\n".join(lines)))
                copied[table] += len(lines)
    finally:
        connection.close()
    yield copied


def _chunks(rows: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Lines of one table at a time."""
    waiting: dict[str, list[str]] = {}
    for row in map(orjson.loads, rows):
        lines = waiting.setdefault(row["table"], [])
        lines.append(row["line"])
        if len(lines) == LINES_AT_A_TIME:
            yield row["table"], waiting.pop(row["table"])
    yield from waiting.items()
