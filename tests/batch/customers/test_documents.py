"""Profiles as documents: types as MongoDB stores them, and no key for a missing value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bson import encode
from bson.decimal128 import Decimal128

from batch.customers.documents import Written, document, update
from cdp.metrics import METRICS

VALUES = {"integer": 3, "money": "1.50", "number": "0.500000", "date": "2019-10-01", "text": "new"}
STORED = {"integer": 3, "money": Decimal128("1.50"), "number": Decimal128("0.500000"), "date": "2019-10-01", "text": "new"}
WRITTEN = Written(date(2019, 10, 1), 7)
TIME = datetime(2019, 10, 1, 12, 0, 0, 1, tzinfo=UTC)
EVENT = {"time": 1_569_931_200_000_001, "type": "view", "product_id": "p1", "brand": "b", "price": "9.99", "quantity": 2}
DAY = {"day": "2019-10-01", "views": 1, "orders": 0, "revenue": "0.00"}


def make_profile(**fields: Any) -> dict[str, Any]:
    metrics = {metric.key: VALUES[metric.kind] for metric in METRICS}
    return metrics | {"customer_id": "ann", "recent": [EVENT], "days": [DAY], "hash": "h", "history_hash": "i"} | fields


def test_every_metric_is_stored_in_its_type() -> None:
    stored = document(make_profile(), WRITTEN)
    metrics = [metric for metric in METRICS if not metric.since]
    assert {metric.key: stored[metric.key] for metric in metrics} == {metric.key: STORED[metric.kind] for metric in metrics}


def test_metrics_that_count_days_up_to_the_published_one_are_not_stored() -> None:
    counting = {metric.key for metric in METRICS if metric.since}
    of_account = {"days_since_sign_up", "days_since_cart_change"}
    assert counting == {"days_since_first_seen", "days_since_seen", "days_since_order"} | of_account
    assert not counting & document(make_profile(), WRITTEN).keys()


def test_missing_metric_has_no_key() -> None:
    without = make_profile()
    del without["last_order"]
    assert "last_order" not in document(without, WRITTEN)


def test_the_rest_of_the_document() -> None:
    refund = EVENT | {"type": "refund", "revenue": "-19.98"}
    stored = document(make_profile(recent=[EVENT, refund]), WRITTEN)
    expected = {"_id": "ann", "as_of": "2019-10-01", "publication": 7, "hash": "h", "history_hash": "i"}
    assert {key: stored[key] for key in expected} == expected
    assert stored["days"] == [{"day": "2019-10-01", "views": 1, "orders": 0, "revenue": Decimal128("0.00")}]
    view = {
        "time": TIME, "type": "view", "product_id": "p1", "brand": "b",
        "price": Decimal128("9.99"), "quantity": 2,
    }  # fmt: skip
    assert stored["recent"] == [view, view | {"type": "refund", "revenue": Decimal128("-19.98")}]


def test_update_of_the_metrics_keeps_the_history_and_unsets_missing_metrics() -> None:
    missing = {"recent", "days", "history_hash", "last_order"}
    without_history = {key: value for key, value in make_profile().items() if key not in missing}
    complete = document(make_profile(), WRITTEN)
    stored = update(without_history, WRITTEN)
    assert stored["$unset"] == {"last_order": ""}
    assert stored["$set"] == {key: value for key, value in complete.items() if key not in {"_id", *missing}}


def test_document_can_be_encoded() -> None:
    assert encode(document(make_profile(), WRITTEN))
