"""Lines in COPY's text format."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from batch.copy import _by_table, _text, line
from cdp.table import Column, Table

KINDS = {"name": "text", "day": "date", "at": "time", "money": "money", "n": "integer"}
TABLE = Table("t", "", tuple(Column(name, kind) for name, kind in KINDS.items()), key=("name",))
SCHEMA = "name string, day date, at timestamp, money decimal(18, 2), n int"


@pytest.mark.spark
def test_values_as_postgres_reads_them(spark: SparkSession) -> None:
    frame = spark.sql("SELECT 'ann' name, DATE '2019-10-01' day, TIMESTAMP '2019-10-01 12:00:00.5' at, 1.50BD money, 3 n")
    assert frame.select(line(TABLE)).first()[0] == "ann\t2019-10-01\t2019-10-01 12:00:00.5+00\t1.50\t3"


@pytest.mark.spark
def test_missing_values_and_backslashes(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("a\\b\\N", None, None, None, None)], SCHEMA)
    assert frame.select(line(TABLE)).first()[0] == "a\\\\b\\\\N\t\\N\t\\N\t\\N\t\\N"


def test_a_batch_is_parted_by_table_and_leaves_nothing_out() -> None:
    batch = pa.RecordBatch.from_pydict({"table": ["a", "b", "a"], "line": ["x\t1", "ü\t\\N", "y\t2"]})
    assert {table: _text(lines).decode() for table, lines in _by_table(batch)} == {"a": "x\t1\ny\t2", "b": "ü\t\\N"}
