"""The customers as of a day: columns, and no later event counts. tests/agreement compares the numbers with DuckDB."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame

from batch.customers.rfm import TOTALS_BEFORE
from batch.customers.snapshot import aggregate_customers, build_snapshot
from batch.days.customer_day import CUSTOMER_ID, build_customer_days
from batch.days.events import deduplicate
from batch.days.interactions import build_interactions
from cdp.kinds import METRIC_KINDS
from cdp.metrics import METRICS
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


def make_snapshot(day: date, once: DataFrame) -> DataFrame:
    once.persist()
    return build_snapshot(aggregate_customers(build_customer_days(once), build_interactions(once), day).persist(), day)


def test_columns_and_types_are_those_of_the_catalogue(events: Events) -> None:
    frame = make_snapshot(date(2019, 10, 1), deduplicate(events({})))
    metrics = [(m.key, METRIC_KINDS[m.kind].spark) for m in METRICS]
    columns = [(name, kind) for name, kind in frame.dtypes if name not in TOTALS_BEFORE]
    assert columns == [(CUSTOMER_ID, "string"), *metrics]
    assert set(frame.columns) >= {*TOTALS_BEFORE}


def test_later_events_do_not_count(events: Events) -> None:
    once = deduplicate(events({}, {"event_time": utc(2019, 10, 2)}, {"user_id": "bob", "event_time": utc(2019, 10, 2)}))
    (ann,) = make_snapshot(date(2019, 10, 1), once).collect()
    assert (ann.customer_id, ann.views, ann.last_seen, ann.days_since_seen) == ("ann", 1, date(2019, 10, 1), 0)


def test_orders_after_the_day_move_no_score_and_no_group(events: Events) -> None:
    """Bob has ordered since, and cid for the first time."""
    purchase = {"event_type": "purchase"}
    events_by_then = (purchase, purchase | {"user_id": "bob", "quantity": 3})
    since = {"event_type": "purchase", "event_time": utc(2019, 10, 3), "quantity": 90}
    now = make_snapshot(date(2019, 10, 2), deduplicate(events(*events_by_then))).collect()
    later = make_snapshot(
        date(2019, 10, 2), deduplicate(events(*events_by_then, since | {"user_id": "bob"}, since | {"user_id": "cid"}))
    )
    assert sorted(later.collect()) == sorted(now)
    scores = {row.customer_id: (row.monetary_score, row.rfm_group_1d_ago) for row in now}
    assert scores == {"ann": (1, "Lost"), "bob": (3, "Lost")}


def test_days_since_are_counted_from_the_published_day(events: Events) -> None:
    (ann,) = make_snapshot(date(2019, 11, 5), deduplicate(events({}))).collect()
    assert (ann.days_since_seen, ann.views, ann.views_30d, ann.views_90d) == (35, 1, 0, 1)
