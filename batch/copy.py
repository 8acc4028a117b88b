"""Rows into Postgres by COPY, straight from the executors. Spark writes the lines; Python only passes them on."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import psycopg2
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from cdp.warehouse import Table

LINES_AT_A_TIME = 20_000
NULL = r"\N"


def copy_rows(frame: DataFrame, table: Table, target: str, connection_arguments: dict[str, Any]) -> None:
    """The columns of `table` into the relation `target`. A task that is tried again begins anew: it commits at its end."""
    lines = frame.select(line(table).alias("line"))
    lines.foreachPartition(partial(_copy_partition, connection_arguments, target, table.column_names))


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


def _copy_partition(connection_arguments: dict[str, Any], target: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    chunks = _chunks(rows)
    first = next(chunks, None)
    if first is None:
        return
    connection = psycopg2.connect(**connection_arguments)
    try:
        with connection, connection.cursor() as cursor:
            statement = f"COPY {target} ({', '.join(columns)}) FROM STDIN"
            cursor.copy_expert(statement, io.StringIO(first))
            for chunk in chunks:
                cursor.copy_expert(statement, io.StringIO(chunk))
    finally:
        connection.close()


def _chunks(rows: Iterable[Row]) -> Iterator[str]:
    lines = iter(rows)
    while chunk := "".join(f"{row.line}\n" for row in islice(lines, LINES_AT_A_TIME)):
        yield chunk
