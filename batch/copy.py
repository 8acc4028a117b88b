"""Rows into Postgres by COPY, straight from the executors. Spark writes the lines; Python passes Arrow's buffers on.

Lines of several tables may come in one frame, so that all of them are one job of Spark.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.table import Table

#: What a task answers.
COPIED = "table string, rows long"
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
    copied = Counter[str]()
    for row in lines.mapInArrow(partial(_copy_partition, connection_arguments, statements), COPIED).collect():  # few a task
        copied[row.table] += row.rows
    return copied


def _copy_partition(
    connection_arguments: dict[str, Any], statements: dict[str, str], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return
    copied = Counter[str]()
    connection = psycopg2.connect(**connection_arguments)
    try:
        with connection, connection.cursor() as cursor:
            for batch in chain([first], filled):
                for table, lines in _by_table(batch):
                    cursor.copy_expert(statements[table], io.BytesIO(_text(lines)))
                    copied[table] += len(lines)
    finally:
        connection.close()
    yield pa.RecordBatch.from_pydict({"table": list(copied), "rows": list(copied.values())})


def _by_table(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    for table in batch["table"].unique():
        yield table.as_py(), batch.filter(pc.equal(batch["table"], table))["line"]


def _text(lines: pa.Array) -> bytes:
    """All lines as one text, without a Python string each."""
    together = pa.ListArray.from_arrays([0, len(lines)], lines)
    return pc.binary_join(together, "\n")[0].as_buffer().to_pybytes()
