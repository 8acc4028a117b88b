"""A shop for tests of whole nights: its stores, and what a test asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from pymongo import MongoClient
from pyspark.sql import SparkSession

from batch.gate.verdict import accept
from batch.night import Night, NightPlan, make_plan, publish_day, run_maintenance
from batch.stores.mart import night_connection
from cdp.lake.paths import EVENTS, table_url
from cdp.mart.charts import CHART_TABLES
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp.settings import Settings, load
from tests import databases
from tests.spark_session import utc

if TYPE_CHECKING:
    from tests.batch.conftest import Events

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHARTS = tuple(table.name for table in CHART_TABLES)
LAST_STATE = "SELECT state FROM mart.night_run ORDER BY id DESC LIMIT 1"
NUMBERS = ("customer_day", "kpi_day", *CHARTS, "profiles")


def on(day: int, user: str = "ann", **given: Any) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, day, 12), "user_id": user} | given


class Shop:
    """One shop's stores, and what a test asks of them."""

    def __init__(self, settings: Settings, spark: SparkSession, events: Events, received: int = 0) -> None:
        self.settings, self.spark, self._events = settings, spark, events
        self.said: list[str] = []
        self._received = received

    def receive(self, *given: dict[str, Any]) -> None:
        """Events as the stream appends them."""
        self._received += 1
        named = [{"event_id": f"{self._received}-{place}"} | fields for place, fields in enumerate(given)]
        writer = self._events(*named).write.format("delta").mode("append").partitionBy("event_day")
        writer.save(table_url(self.settings, EVENTS))

    def night(self, *days: date, everything: bool = False, accepted: Sequence[str] = ()) -> None:
        """`accepted` checks of the gate may fail."""
        accepts = accept(accepted, "a test of something else", NOW) if accepted else ()
        with night_connection(self.settings) as connection:
            for day in days:
                night = Night(self.settings, self.spark, connection, lambda: NOW, self.said.append, accepts)
                publish_day(night, day, everything)

    def plan(self, day: date) -> NightPlan:
        """What a night of the day would do."""
        with night_connection(self.settings) as connection:
            return make_plan(Night(self.settings, self.spark, connection, lambda: NOW, self.said.append), day, everything=False)

    def run_maintenance(self, day: date) -> None:
        with night_connection(self.settings) as connection:
            run_maintenance(Night(self.settings, self.spark, connection, lambda: NOW, self.said.append), day)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return databases.rows(self.settings, sql)

    def profiles(self) -> dict[str, Any]:
        """The documents that readers see."""
        ((collection,),) = self.rows("SELECT profiles_collection FROM mart.publication ORDER BY id DESC LIMIT 1")
        with MongoClient(self.settings.mongo_url) as client:
            return {found["_id"]: found for found in client[self.settings.mongo_database][collection].find()}

    def seen(self) -> dict[str, Any]:
        """All that readers see of the serving publication."""
        return {
            "publication": self.rows("SELECT * FROM mart.publication ORDER BY id DESC LIMIT 1"),
            **{
                table.name: self.rows(
                    f"SELECT {', '.join(table.column_names)} FROM {table.full_name} ORDER BY {', '.join(table.key)}"
                )
                for table in (CUSTOMER_DAY, KPI_DAY, *CHART_TABLES)
            },
            "profiles": self.profiles(),
        }

    def numbers(self) -> dict[str, Any]:
        """The same without the publication, which is another each time, and what a document says of it."""
        found = {key: numbers for key, numbers in self.seen().items() if key in NUMBERS}
        return found | {"profiles": {customer: _content(document) for customer, document in found["profiles"].items()}}

    def files(self, *tables: str) -> set[str]:
        return {file for name in tables for file in DeltaTable(table_url(self.settings, name)).file_uris()}


def _content(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("as_of", "publication")}


@contextmanager
def opened(spark: SparkSession, events: Events, **place: str) -> Iterator[Shop]:
    """A shop with databases of its own, and its tables at that place."""
    with databases.database(load()) as given:
        name = given.postgres_database
        yield Shop(replace(given, mongo_database=name, **place), spark, events)
        with MongoClient(given.mongo_url) as client:
            client.drop_database(name)


@pytest.fixture
def shop(spark: SparkSession, events: Events, tmp_path: Path) -> Iterator[Shop]:
    with opened(spark, events, hdfs_url=f"file:{tmp_path}") as opened_shop:
        yield opened_shop
