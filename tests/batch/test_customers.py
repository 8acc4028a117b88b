"""The customers as of a day: shape, and that nothing after the day counts. The numbers are held against DuckDB in agreement/."""

from __future__ import annotations

from datetime import date

import pytest

from batch.customer_day import customer_day
from batch.customers import CUSTOMER_ID, customers
from batch.events import events_once
from cdp.metrics import METRICS
from cdp.spark import METRIC_TYPES
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


def test_columns_are_the_catalogue_in_its_types(events: Events) -> None:
    frame = customers(customer_day(events_once(events({}))), date(2019, 10, 1))
    assert frame.dtypes == [(CUSTOMER_ID, "string"), *((m.key, METRIC_TYPES[m.kind].simpleString()) for m in METRICS)]


def test_what_comes_after_the_day_does_not_count(events: Events) -> None:
    days = customer_day(
        events_once(events({}, {"event_time": utc(2019, 10, 2)}, {"user_id": "bob", "event_time": utc(2019, 10, 2)}))
    )
    (ann,) = customers(days, date(2019, 10, 1)).collect()
    assert (ann.customer_id, ann.views, ann.last_seen, ann.days_since_seen) == ("ann", 1, date(2019, 10, 1), 0)


def test_the_days_are_counted_from_the_published_one(events: Events) -> None:
    (ann,) = customers(customer_day(events_once(events({}))), date(2019, 11, 5)).collect()
    assert (ann.days_since_seen, ann.views, ann.views_30d) == (35, 1, 0)
