"""Fixtures of the agreement tests: one DuckDB per module, and a Spark that compiles its plans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.agreement.snapshot import DuckTables
from tests.spark_session import COMPILED, INTERPRETED


@pytest.fixture(scope="module")
def duck() -> Iterator[DuckTables]:
    tables = DuckTables()
    yield tables
    tables.close()


@pytest.fixture(scope="module", autouse=True)
def compiled_plans(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute the numbers that are compared as the cluster does."""
    if request.node.get_closest_marker("spark") is None:
        yield
        return
    spark: SparkSession = request.getfixturevalue("spark")
    for key, value in COMPILED.items():
        spark.conf.set(key, value)
    yield
    for key, value in INTERPRETED.items():
        spark.conf.set(key, value)
