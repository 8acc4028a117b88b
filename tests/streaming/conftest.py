"""Messages as Kafka delivers them: good events, with the changes that a test makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.events.examples import RECEIVED, message
from tests.spark_session import spark

__all__ = ["spark"]

Value = bytes | dict[str, Any] | None
Messages = Callable[..., DataFrame]


def value_of(value: Value) -> bytearray | None:
    return None if value is None else bytearray(message(value))


@pytest.fixture(scope="session")
def messages(spark: SparkSession) -> Messages:
    def make(*values: Value, first_offset: int = 0, received: datetime = RECEIVED) -> DataFrame:
        rows = [
            (bytearray(b"key"), value_of(value), "events.raw", 0, first_offset + place, received)
            for place, value in enumerate(values)
        ]
        return spark.createDataFrame(
            rows, "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp"
        )

    return make
