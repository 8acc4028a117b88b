"""The customers as of a day: shape, and that nothing after the day counts. The numbers are held against DuckDB in agreement/."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame

from batch.customer_day import customer_day
from batch.customers import CUSTOMER_ID, customers
from batch.events import events_once
from batch.interactions import interactions
from cdp.metrics import METRICS
from cdp.spark import METRIC_TYPES
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


def as_of(day: date, once: DataFrame) -> DataFrame:
    once.persist()
    return customers(customer_day(once).persist(), interactions(once), day)


def test_columns_are_the_catalogue_in_its_types(events: Events) -> None:
    frame = as_of(date(2019, 10, 1), events_once(events({})))
    assert frame.dtypes == [(CUSTOMER_ID, "string"), *((m.key, METRIC_TYPES[m.kind].simpleString()) for m in METRICS)]


def test_what_comes_after_the_day_does_not_count(events: Events) -> None:
    once = events_once(events({}, {"event_time": utc(2019, 10, 2)}, {"user_id": "bob", "event_time": utc(2019, 10, 2)}))
    (ann,) = as_of(date(2019, 10, 1), once).collect()
    assert (ann.customer_id, ann.views, ann.last_seen, ann.days_since_seen) == ("ann", 1, date(2019, 10, 1), 0)


def test_the_days_are_counted_from_the_published_one(events: Events) -> None:
    (ann,) = as_of(date(2019, 11, 5), events_once(events({}))).collect()
    assert (ann.days_since_seen, ann.views, ann.views_30d, ann.views_90d) == (35, 1, 0, 1)
