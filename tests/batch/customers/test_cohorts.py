"""Cohorts by the month of the first event, computed from the days up to the published one. A late event can move a customer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from batch.customers.cohorts import build_cohort_months
from batch.days.customer_day import build_customer_days
from batch.days.events import deduplicate
from cdp.mart.charts import COHORT_MONTH
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

BUY: dict[str, Any] = {"event_type": "purchase"}
AS_OF = date(2019, 11, 15)


def on(month: int, day: int, user: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"event_time": utc(2019, month, day, 12), "user_id": user} | fields


VISITS = (
    on(9, 30), on(10, 1, **BUY), on(10, 31, user_session="s2", **BUY), on(10, 31, user_session="s3", **BUY),
    on(9, 1, "bob"), on(11, 2, "bob", event_type="refund"),
    on(10, 5, "cid", **BUY), on(11, 5, "cid", quantity=2, **BUY),
)  # fmt: skip


def compute_cohorts(events: Events, *rows: dict[str, Any], as_of: date = AS_OF) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Months of the cohort and of the activity -> customers, buyers, orders, revenue."""
    frame = build_cohort_months(build_customer_days(deduplicate(events(*rows))), as_of)
    assert set(frame.columns) == set(COHORT_MONTH.column_names)
    months = frame.collect()
    assert {day.day for row in months for day in (row.cohort, row.month)} == {1}
    return {(r.cohort.month, r.month.month): (r.customers, r.buyers, r.orders, r.revenue) for r in months}


def test_by_hand(events: Events) -> None:
    assert compute_cohorts(events, *VISITS) == {
        (9, 9): (2, 0, 0, Decimal("0.00")),
        (9, 10): (1, 1, 3, Decimal("30.00")),
        (9, 11): (1, 0, 0, Decimal("-10.00")),
        (10, 10): (1, 1, 1, Decimal("10.00")),
        (10, 11): (1, 1, 1, Decimal("20.00")),
    }


def test_nothing_after_the_published_day_counts(events: Events) -> None:
    before = compute_cohorts(events, *VISITS, as_of=date(2019, 10, 30))
    assert before == {
        (9, 9): (2, 0, 0, Decimal("0.00")),
        (9, 10): (1, 1, 1, Decimal("10.00")),
        (10, 10): (1, 1, 1, Decimal("10.00")),
    }


def test_late_event_of_an_earlier_month_moves_the_customer_to_its_cohort(events: Events) -> None:
    late = compute_cohorts(events, *VISITS, on(8, 31, "cid"))
    assert {key: values[0] for key, values in late.items() if key[0] != 9} == {(8, 8): 1, (8, 10): 1, (8, 11): 1}


def test_same_month_of_two_years_is_two_months(events: Events) -> None:
    frame = build_cohort_months(build_customer_days(deduplicate(events(on(10, 1), {"event_time": utc(2018, 10, 1)}))), AS_OF)
    assert {(row.cohort, row.month) for row in frame.collect()} == {
        (date(2018, 10, 1), date(2018, 10, 1)),
        (date(2018, 10, 1), date(2019, 10, 1)),
    }
