"""Lines in COPY's text format."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import SparkSession

from batch.stores.copy import CHUNK_LINES, _split, make_line
from cdp.mart.table import Column, Table

KINDS = {"name": "text", "day": "date", "at": "time", "money": "money", "n": "integer"}
TABLE = Table("t", "", tuple(Column(name, kind) for name, kind in KINDS.items()), key=("name",))
SCHEMA = "name string, day date, at timestamp, money decimal(18, 2), n int"


@pytest.mark.spark
def test_values_as_postgres_reads_them(spark: SparkSession) -> None:
    frame = spark.sql("SELECT 'ann' name, DATE '2019-10-01' day, TIMESTAMP '2019-10-01 12:00:00.5' at, 1.50BD money, 3 n")
    assert frame.select(make_line(TABLE)).first()[0] == "ann\t2019-10-01\t2019-10-01 12:00:00.5+00\t1.50\t3"


@pytest.mark.spark
def test_missing_values_and_backslashes(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("a\\b\\N", None, None, None, None)], SCHEMA)
    assert frame.select(make_line(TABLE)).first()[0] == "a\\\\b\\\\N\t\\N\t\\N\t\\N\t\\N"


def test_chunks_are_bounded_hold_one_table_each_and_together_every_line() -> None:
    rows = [(table, f"{table}\t{n}") for n in range(CHUNK_LINES + 1) for table in "ab"] + [("a", "ü\\\\N")]
    chunks = list(_split(json.dumps({"table": table, "line": line}) for table, line in rows))
    assert [(table, len(lines)) for table, lines in chunks] == [
        ("a", CHUNK_LINES),
        ("b", CHUNK_LINES),
        ("a", 2),
        ("b", 1),
    ]
    assert sorted(line for _, lines in chunks for line in lines) == sorted(line for _, line in rows)
    assert list(_split([])) == []
