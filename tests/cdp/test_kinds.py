"""The engines agree on the type of each kind."""

from __future__ import annotations

from typing import get_args

import duckdb
import pytest
from sqlglot import exp

from cdp.kinds import KINDS, METRIC_KINDS
from cdp.metrics.metric import Kind
from tests.arrow_types import ARROW_TYPES


@pytest.mark.parametrize("kind", ["text", "integer", "long", "money", "number", "large number", "date"])
def test_type_of_a_kind_is_the_same_in_every_engine(kind: str) -> None:
    types = KINDS[kind]
    spark, duck = exp.DataType.build(types.spark, dialect="spark"), exp.DataType.build(types.duckdb, dialect="duckdb")
    assert spark.sql("duckdb") == duck.sql("duckdb")
    assert exp.DataType.build(types.postgres, dialect="postgres").sql("duckdb") == duck.sql("duckdb")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_metric_in_duckdb_has_the_arrow_type_of_its_kind(kind: str) -> None:
    with duckdb.connect() as db:
        relation = db.sql(f"SELECT CAST(NULL AS {METRIC_KINDS[kind].duckdb}) AS value")
        assert relation is not None
        assert relation.to_arrow_table().schema.field("value").type == ARROW_TYPES[kind]


@pytest.mark.parametrize(("kind", "spark"), [("integer", "bigint"), ("money", "decimal(18,2)"), ("number", "decimal(18,6)")])
def test_metric_has_room_for_a_sum_over_all_days(kind: str, spark: str) -> None:
    assert METRIC_KINDS[kind].spark == spark
