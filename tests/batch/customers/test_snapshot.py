"""The customers as of a day: shape, and that nothing after the day counts. The numbers are held against DuckDB in agreement/."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame

from batch.customers.rfm import TOTALS_BEFORE
from batch.customers.snapshot import aggregate_customers, build_snapshot
from batch.days.customer_day import CUSTOMER_ID, build_customer_days
from batch.days.events import deduplicate
from batch.days.interactions import build_interactions
from cdp.metrics import METRICS
from cdp.spark import METRIC_TYPES
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


def as_of(day: date, once: DataFrame) -> DataFrame:
    once.persist()
    return build_snapshot(aggregate_customers(build_customer_days(once), build_interactions(once), day).persist(), day)


def test_columns_are_the_catalogue_in_its_types(events: Events) -> None:
    frame = as_of(date(2019, 10, 1), deduplicate(events({})))
    metrics = [(m.key, METRIC_TYPES[m.kind].simpleString()) for m in METRICS]
    shown = [(name, kind) for name, kind in frame.dtypes if name not in TOTALS_BEFORE]
    assert shown == [(CUSTOMER_ID, "string"), *metrics]
    assert set(frame.columns) >= {*TOTALS_BEFORE}


def test_what_comes_after_the_day_does_not_count(events: Events) -> None:
    once = deduplicate(events({}, {"event_time": utc(2019, 10, 2)}, {"user_id": "bob", "event_time": utc(2019, 10, 2)}))
    (ann,) = as_of(date(2019, 10, 1), once).collect()
    assert (ann.customer_id, ann.views, ann.last_seen, ann.days_since_seen) == ("ann", 1, date(2019, 10, 1), 0)


def test_orders_after_the_day_move_no_score_and_no_group(events: Events) -> None:
    """Bob has ordered since, and cid for the first time."""
    bought = {"event_type": "purchase"}
    by_then = (bought, bought | {"user_id": "bob", "quantity": 3})
    since = {"event_type": "purchase", "event_time": utc(2019, 10, 3), "quantity": 90}
    now = as_of(date(2019, 10, 2), deduplicate(events(*by_then))).collect()
    later = as_of(date(2019, 10, 2), deduplicate(events(*by_then, since | {"user_id": "bob"}, since | {"user_id": "cid"})))
    assert sorted(later.collect()) == sorted(now)
    placed = {row.customer_id: (row.monetary_score, row.rfm_group_1d_ago) for row in now}
    assert placed == {"ann": (1, "Lost"), "bob": (3, "Lost")}


def test_the_days_are_counted_from_the_published_one(events: Events) -> None:
    (ann,) = as_of(date(2019, 11, 5), deduplicate(events({}))).collect()
    assert (ann.days_since_seen, ann.views, ann.views_30d, ann.views_90d) == (35, 1, 0, 1)
