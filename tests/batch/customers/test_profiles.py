"""A customer's profile: latest events over all days, the days of the window, and a hash that tells change from none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from batch.customers.profiles import DAYS, as_json, build_changed_profiles, profiles
from batch.customers.standing import Baseline
from batch.days.customer_day import RECENT, build_customer_days
from batch.days.events import deduplicate
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

DAY = date(2019, 10, 1)


def profile(events: Events, *given: dict[str, Any], as_of: date = DAY) -> Row:
    (row,) = frame_of(events, *given, as_of=as_of).collect()
    return row


def frame_of(events: Events, *given: dict[str, Any], as_of: date = DAY) -> DataFrame:
    days = build_customer_days(deduplicate(events(*given))).persist()
    # One metric stands for all: which ones there are makes no difference here.
    customers = (
        days.where(F.col("day") <= F.lit(as_of)).groupBy("customer_id").agg(F.sum("revenue").alias("total_purchase_value"))
    )
    return profiles(customers, days, as_of)


def hashes(row: Row) -> tuple[str, str]:
    return row.hash, row.history_hash


def day_before(days: int, hour: int = 0) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, 1, hour) - timedelta(days=days)}


def test_recent_goes_back_over_days_newest_first(events: Events) -> None:
    given = [day_before(days, hour) for days in range(RECENT) for hour in (1, 2)]
    times = [event.time for event in profile(events, *given).recent]
    assert times == sorted((row["event_time"] for row in given), reverse=True)[:RECENT]


def test_days_are_those_of_the_window_oldest_first(events: Events) -> None:
    row = profile(events, day_before(0), day_before(DAYS - 1), day_before(DAYS), day_before(2) | {"event_type": "purchase"})
    assert [(day.day, day.views, day.orders) for day in row.days] == [
        (DAY - timedelta(days=DAYS - 1), 1, 0),
        (DAY - timedelta(days=2), 0, 1),
        (DAY, 1, 0),
    ]


def test_customer_of_long_ago_has_recent_events_and_no_days(events: Events) -> None:
    row = profile(events, day_before(400))
    assert (len(row.recent), row.days) == (1, [])


def test_what_comes_after_the_day_is_not_in_it(events: Events) -> None:
    row = profile(events, {}, day_before(-1))
    assert ([event.time.date() for event in row.recent], [day.day for day in row.days]) == ([DAY], [DAY])


def test_hash_is_the_same_as_long_as_nothing_changes(events: Events) -> None:
    assert hashes(profile(events, {}, {"brand": "b"})) == hashes(profile(events, {}, {"brand": "b"}))


def test_what_is_looked_at_changes_the_history_alone(events: Events) -> None:
    before, after = profile(events, {}), profile(events, {"brand": "other"})
    assert (before.hash == after.hash, before.history_hash == after.history_hash) == (True, False)


def test_without_a_history_only_those_who_have_other_metrics_may_have_moved(spark: SparkSession, events: Events) -> None:
    """Ann is touched; of the others bob has another sum, cid is new in the snapshot, and dan is as he was."""
    days = build_customer_days(deduplicate(events({}))).persist()
    money = "customer_id string, total_purchase_value int, total_purchase_1d_ago int"
    now = spark.createDataFrame([("ann", 1, 0), ("bob", 2, 0), ("cid", 1, 0), ("dan", 1, 5)], money)
    before = spark.createDataFrame([("ann", 1, 0), ("bob", 1, 0), ("dan", 1, 4)], money)
    touched = spark.createDataFrame([("ann",)], "customer_id string")
    made = {row.customer_id: row for row in build_changed_profiles(now, days, DAY, Baseline(before, touched)).collect()}
    assert {name: row.history_hash is not None for name, row in made.items()} == {"ann": True, "bob": False, "cid": False}
    assert made["bob"].recent is None
    assert "total_purchase_1d_ago" not in made["bob"]


@pytest.mark.parametrize("change", [{"brand": "other"}, {"event_type": "purchase"}, {"event_time": utc(2019, 10, 1, 12, 0, 1)}])
def test_hash_tells_every_change(events: Events, change: dict[str, Any]) -> None:
    assert hashes(profile(events, {})) != hashes(profile(events, change))


def test_hash_is_the_same_a_day_later(events: Events) -> None:
    """A customer who does nothing keeps the document; its reader counts the days since."""
    assert hashes(profile(events, {})) == hashes(profile(events, {}, as_of=DAY + timedelta(days=1)))
    assert hashes(profile(events, {})) != hashes(profile(events, {}, as_of=DAY + timedelta(days=DAYS)))


def test_as_json_nothing_is_rounded_and_what_is_missing_is_left_out(events: Events) -> None:
    given = {"event_type": "purchase", "event_time": utc(2019, 10, 1, 12, 0, 0, 1), "price": Decimal("9999999999.99")}
    frame = frame_of(events, given | {"brand": None}).withColumn("last_order", F.lit(None).cast("date"))
    (text,) = as_json(frame.withColumn("days_since_order", F.lit(3))).collect()
    made = orjson.loads(text)
    assert made == {
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
        "hash": made["hash"],
        "history_hash": made["history_hash"],
    }  # fmt: skip
