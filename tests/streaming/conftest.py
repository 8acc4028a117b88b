"""Messages as Kafka gives them: a good event, and what a test says of it otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.spark_session import spark, utc

__all__ = ["spark"]

Value = bytes | dict[str, Any] | None
Messages = Callable[..., DataFrame]

#: When they are received; the base event is half an hour older.
RECEIVED = utc(2019, 10, 1, 12, 30, 0)
BASE: dict[str, Any] = {
    "event_time": "2019-10-01 12:00:00 UTC",
    "event_type": "purchase",
    "product_id": "1004856",
    "category_id": "2053013555631882655",
    "category_code": "electronics.smartphone",
    "brand": "samsung",
    "price": "130.76",
    "user_id": "513042592",
    "user_session": "0b7e2a3c",
}
#: A key with this value is left out of the message.
ABSENT = object()


def value_of(value: Value) -> bytearray | None:
    """Bytes as they are; a dict is the base event with these keys otherwise."""
    if isinstance(value, dict):
        value = json.dumps({key: field for key, field in (BASE | value).items() if field is not ABSENT}).encode()
    return None if value is None else bytearray(value)


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
