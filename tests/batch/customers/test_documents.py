"""Rows into documents: the kinds as MongoDB keeps them, and no key for what is missing."""

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


def profile(**given: Any) -> dict[str, Any]:
    metrics = {metric.key: VALUES[metric.kind] for metric in METRICS}
    return metrics | {"customer_id": "ann", "recent": [EVENT], "days": [DAY], "hash": "h", "history_hash": "i"} | given


def test_every_metric_is_kept_in_its_kind() -> None:
    made = document(profile(), WRITTEN)
    kept = [metric for metric in METRICS if not metric.since]
    assert {metric.key: made[metric.key] for metric in kept} == {metric.key: STORED[metric.kind] for metric in kept}


def test_days_up_to_the_published_one_are_left_to_the_reader() -> None:
    counting = {metric.key for metric in METRICS if metric.since}
    assert counting == {"days_since_first_seen", "days_since_seen", "days_since_order"}
    assert not counting & document(profile(), WRITTEN).keys()


def test_missing_metric_has_no_key() -> None:
    without = profile()
    del without["last_order"]
    assert "last_order" not in document(without, WRITTEN)


def test_the_rest_of_the_document() -> None:
    refund = EVENT | {"type": "refund", "revenue": "-19.98"}
    made = document(profile(recent=[EVENT, refund]), WRITTEN)
    kept = {"_id": "ann", "as_of": "2019-10-01", "publication": 7, "hash": "h", "history_hash": "i"}
    assert {key: made[key] for key in kept} == kept
    assert made["days"] == [{"day": "2019-10-01", "views": 1, "orders": 0, "revenue": Decimal128("0.00")}]
    view = {
        "time": TIME, "type": "view", "product_id": "p1", "brand": "b",
        "price": Decimal128("9.99"), "quantity": 2,
    }  # fmt: skip
    assert made["recent"] == [view, view | {"type": "refund", "revenue": Decimal128("-19.98")}]


def test_update_of_the_metrics_leaves_the_history_and_drops_what_is_missing() -> None:
    gone = {"recent", "days", "history_hash", "last_order"}
    moved = {key: value for key, value in profile().items() if key not in gone}
    kept = document(profile(), WRITTEN)
    made = update(moved, WRITTEN)
    assert made["$unset"] == {"last_order": ""}
    assert made["$set"] == {key: value for key, value in kept.items() if key not in {"_id", *gone}}


def test_mongodb_can_take_it() -> None:
    assert encode(document(profile(), WRITTEN))
