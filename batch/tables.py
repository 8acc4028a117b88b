"""The Delta tables of the night on HDFS: read at a version, written as a whole or a day at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from deltalake import DeltaTable
from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from cdp.paths import CUSTOMER_DAY, CUSTOMERS, EVENTS, table_url
from cdp.settings import Settings


def read_events(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _delta(spark).option("versionAsOf", version).load(table_url(settings, EVENTS))


def read_customer_day(spark: SparkSession, settings: Settings) -> DataFrame:
    """Every day there is. The lock of the night keeps other writers away."""
    return _delta(spark).load(table_url(settings, CUSTOMER_DAY))


def read_customers(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _delta(spark).option("versionAsOf", version).load(table_url(settings, CUSTOMERS))


def write_customer_day(frame: DataFrame, settings: Settings, days: Collection[date]) -> None:
    """Put these days in the place of what was there; other days stay."""
    restated = ", ".join(f"DATE '{day}'" for day in days)
    writer = frame.repartition("day").write.format("delta").mode("overwrite").partitionBy("day")
    writer.option("replaceWhere", f"day IN ({restated})").save(table_url(settings, CUSTOMER_DAY))


def write_customers(frame: DataFrame, settings: Settings) -> int:
    """Put the whole table in the place of the old one, as a new version, which is the answer. Metrics may come and go."""
    url = table_url(settings, CUSTOMERS)
    writer = frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.option("partitionOverwriteMode", "static").save(url)
    return int(DeltaTable(url).version())


def _delta(spark: SparkSession) -> DataFrameReader:
    return spark.read.format("delta")
