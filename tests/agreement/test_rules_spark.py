"""Spark selects the customers that the interpreter selects. The rules really run on Spark."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp.rules import Rule
from tests.agreement.snapshot import SparkTables
from tests.agreement.strategies import World, rules, worlds_with_segments
from tests.examples import limit_examples
from tests.spark_session import spark

__all__ = ["spark"]

pytestmark = pytest.mark.spark


@settings(max_examples=limit_examples(10), deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(world=worlds_with_segments(), trees=st.lists(rules(), min_size=20, max_size=20))
def test_spark_selects_the_same_customers(spark: SparkSession, world: World, trees: list[Rule]) -> None:
    assert SparkTables(spark).select(world, trees) == [world.select(rule) for rule in trees]
