"""Events as the stream writes them to HDFS: a base row, changed by the fields that a test gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.lake.tables import EVENTS_TABLE
from cdp.spark import lake_schema
from tests.batch.first_night import FirstNight, publish_first_night
from tests.batch.shop import Shop
from tests.conftest import TestStack
from tests.spark_session import spark, utc

__all__ = ["spark"]

Events = Callable[..., DataFrame]

BASE: dict[str, Any] = {
    "event_time": utc(2019, 10, 1, 12, 0),
    "event_type": "view",
    "product_id": "p1",
    "category_code": "electronics.smartphone",
    "brand": "samsung",
    "price": Decimal("10.00"),
    "quantity": 1,
    "user_id": "ann",
    "user_session": "s1",
    "received_at": utc(2019, 10, 1, 12, 1),
    "kafka_topic": "events.raw",
    "kafka_partition": 0,
}


def make_event(place: int, fields: dict[str, Any]) -> dict[str, Any]:
    """A complete row. Derived fields are computed here too, unless a test gives them."""
    row = dict.fromkeys(EVENTS_TABLE.column_names) | BASE | {"event_id": f"e{place}", "kafka_offset": place} | fields
    row["event_day"] = row["event_time"].date()
    if row["event_type"] == "refund":
        row["revenue"] = -row["price"] * row["quantity"]
    if row["event_type"] == "purchase":
        row["revenue"] = row["price"] * row["quantity"]
        row["order_id"] = row["order_id"] or f"s:{row['user_session']}"
    return row


@pytest.fixture(scope="session")
def events(spark: SparkSession) -> Events:
    def make(*rows_fields: dict[str, Any]) -> DataFrame:
        rows = [make_event(place, fields) for place, fields in enumerate(rows_fields)]
        return spark.createDataFrame(
            [tuple(row[name] for name in EVENTS_TABLE.column_names) for row in rows], lake_schema(EVENTS_TABLE)
        )

    return make


@pytest.fixture(scope="session")
def first_night(
    test_stack: TestStack, spark: SparkSession, events: Events, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FirstNight]:
    test_stack.require(("postgres", "mongo"))
    with publish_first_night(spark, events, tmp_path_factory.mktemp("first-night")) as published_night:
        yield published_night


@pytest.fixture
def published(first_night: FirstNight, tmp_path: Path) -> Iterator[Shop]:
    """A copy of the shop that has published its second day."""
    with first_night.copy(hdfs_url=f"file:{tmp_path}") as shop:
        yield shop
