"""A customer's profile: the latest events over all days, the days of the window, and hashes that show a change."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from batch.customers.lineage import Baseline
from batch.customers.profiles import DAYS, as_json, build_changed_profiles, profiles
from batch.days.customer_day import RECENT, build_customer_days
from batch.days.events import deduplicate
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

DAY = date(2019, 10, 1)


def make_profile(events: Events, *rows: dict[str, Any], as_of: date = DAY) -> Row:
    (row,) = make_frame(events, *rows, as_of=as_of).collect()
    return row


def make_frame(events: Events, *rows: dict[str, Any], as_of: date = DAY) -> DataFrame:
    days = build_customer_days(deduplicate(events(*rows))).persist()
    # One metric is enough here.
    customers = (
        days.where(F.col("day") <= F.lit(as_of)).groupBy("customer_id").agg(F.sum("revenue").alias("total_purchase_value"))
    )
    return profiles(customers, days, as_of)


def hashes_of(row: Row) -> tuple[str, str]:
    return row.hash, row.history_hash


def days_before(days: int, hour: int = 0) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, 1, hour) - timedelta(days=days)}


def test_recent_spans_several_days_newest_first(events: Events) -> None:
    rows = [days_before(days, hour) for days in range(RECENT) for hour in (1, 2)]
    times = [event.time for event in make_profile(events, *rows).recent]
    assert times == sorted((row["event_time"] for row in rows), reverse=True)[:RECENT]


def test_days_are_those_of_the_window_oldest_first(events: Events) -> None:
    row = make_profile(
        events, days_before(0), days_before(DAYS - 1), days_before(DAYS), days_before(2) | {"event_type": "purchase"}
    )
    assert [(day.day, day.views, day.orders) for day in row.days] == [
        (DAY - timedelta(days=DAYS - 1), 1, 0),
        (DAY - timedelta(days=2), 0, 1),
        (DAY, 1, 0),
    ]


def test_customer_of_long_ago_has_recent_events_and_no_days(events: Events) -> None:
    row = make_profile(events, days_before(400))
    assert (len(row.recent), row.days) == (1, [])


def test_later_events_are_not_in_the_profile(events: Events) -> None:
    row = make_profile(events, {}, days_before(-1))
    assert ([event.time.date() for event in row.recent], [day.day for day in row.days]) == ([DAY], [DAY])


def test_hashes_are_the_same_if_nothing_changes(events: Events) -> None:
    assert hashes_of(make_profile(events, {}, {"brand": "b"})) == hashes_of(make_profile(events, {}, {"brand": "b"}))


def test_other_brand_of_a_view_changes_only_the_history_hash(events: Events) -> None:
    before, after = make_profile(events, {}), make_profile(events, {"brand": "other"})
    assert (before.hash == after.hash, before.history_hash == after.history_hash) == (True, False)


def test_changed_profiles_have_a_history_only_for_changed_customers(spark: SparkSession, events: Events) -> None:
    """Ann has changed. Of the others, bob has another sum, cid is new in the snapshot, and dan is the same."""
    days = build_customer_days(deduplicate(events({}))).persist()
    money = "customer_id string, total_purchase_value int, total_purchase_1d_ago int"
    now = spark.createDataFrame([("ann", 1, 0), ("bob", 2, 0), ("cid", 1, 0), ("dan", 1, 5)], money)
    before = spark.createDataFrame([("ann", 1, 0), ("bob", 1, 0), ("dan", 1, 4)], money)
    changed_ids = spark.createDataFrame([("ann",)], "customer_id string")
    changed = {row.customer_id: row for row in build_changed_profiles(now, days, DAY, Baseline(before, changed_ids)).collect()}
    assert {name: row.history_hash is not None for name, row in changed.items()} == {"ann": True, "bob": False, "cid": False}
    assert changed["bob"].recent is None
    assert "total_purchase_1d_ago" not in changed["bob"]


@pytest.mark.parametrize("change", [{"brand": "other"}, {"event_type": "purchase"}, {"event_time": utc(2019, 10, 1, 12, 0, 1)}])
def test_every_change_changes_a_hash(events: Events, change: dict[str, Any]) -> None:
    assert hashes_of(make_profile(events, {})) != hashes_of(make_profile(events, change))


def test_hashes_are_the_same_a_day_later(events: Events) -> None:
    """An inactive customer keeps the document; readers compute the days since."""
    assert hashes_of(make_profile(events, {})) == hashes_of(make_profile(events, {}, as_of=DAY + timedelta(days=1)))
    assert hashes_of(make_profile(events, {})) != hashes_of(make_profile(events, {}, as_of=DAY + timedelta(days=DAYS)))


def test_json_rounds_nothing_and_leaves_out_missing_values(events: Events) -> None:
    purchase = {"event_type": "purchase", "event_time": utc(2019, 10, 1, 12, 0, 0, 1), "price": Decimal("9999999999.99")}
    frame = make_frame(events, purchase | {"brand": None}).withColumn("last_order", F.lit(None).cast("date"))
    (text,) = as_json(frame.withColumn("days_since_order", F.lit(3))).collect()
    profile = orjson.loads(text)
    assert profile == {
        "customer_id": "ann",
        "total_purchase_value": "9999999999.99",
        "recent": [
            {
                "time": 1_569_931_200_000_001, "type": "purchase", "product_id": "p1",
                "category_code": "electronics.smartphone", "price": "9999999999.99", "quantity": 1,
                "revenue": "9999999999.99",
            }
        ],
        "days": [{"day": "2019-10-01", "views": 0, "orders": 1, "revenue": "9999999999.99"}],
        "hash": profile["hash"],
        "history_hash": profile["history_hash"],
    }  # fmt: skip
