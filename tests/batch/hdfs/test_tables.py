"""The tables of the night on HDFS: a table in an older layout counts as missing, and the next write replaces it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from batch.days.events import deduplicate
from batch.days.interactions import build_interactions
from batch.hdfs.tables import MONTH, has_current_layout, write_days
from cdp.lake.paths import INTERACTIONS, table_url
from cdp.lake.tables import INTERACTIONS_TABLE
from cdp.settings import load
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("columns", [("hour", "price"), ("price",)])
def test_interactions_without_hour_or_price_are_replaced_as_a_whole(
    spark: SparkSession, events: Events, tmp_path: Path, columns: tuple[str, ...]
) -> None:
    """Otherwise the days of the older layout would stay, with nulls for the new columns."""
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")
    url, days = table_url(settings, INTERACTIONS), [date(2019, 10, 1), date(2019, 10, 2)]
    rows = build_interactions(deduplicate(events({}, {"event_time": utc(2019, 10, 2, 18)})))
    assert not has_current_layout(settings, INTERACTIONS)
    write_days(rows.drop(*columns), settings, INTERACTIONS, days)
    assert not has_current_layout(settings, INTERACTIONS)
    write_days(rows.where("day = DATE '2019-10-02'"), settings, INTERACTIONS, days[1:])
    assert has_current_layout(settings, INTERACTIONS)
    table = DeltaTable(url)
    assert {field.name for field in table.schema().fields} == {*INTERACTIONS_TABLE.columns, MONTH}
    (row,) = table.to_pyarrow_table().to_pylist()
    assert (row["day"], row["hour"], row["price"]) == (days[1], 18, Decimal("10.00"))
