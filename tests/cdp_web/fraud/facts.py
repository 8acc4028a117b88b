"""Rows for tests of the pages: alerts as the streams write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from cdp.mart.live import ALERT

HAPPENED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORDERS = [
    {"order_id": "o1", "customer_id": "77", "at": HAPPENED.isoformat(), "amount": "6000.50", "products": ["1004856", "1005115"]},
    {"order_id": "o2", "customer_id": "78", "at": HAPPENED.isoformat(), "amount": "0.10", "products": ["1004856"]},
]
PAYMENTS = [
    {
        "payment_id": f"p{number}",
        "order_id": "o1",
        "at": HAPPENED.isoformat(),
        "amount": "10.00",
        "method": "card",
        "failure": "card declined",
    }
    for number in range(3)
]


def make_alert(rule_id: int, subject: str = "77/o1", customer_id: str = "77", **evidence: Any) -> int:
    rule = {"name": "Large order", "kind": "amount", "amount": "5000.00"}
    content = {"rule": rule, "orders": ORDERS} | evidence
    columns = "rule_id, subject, customer_id, happened_at, found_at, evidence"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {ALERT.full_name} ({columns}) VALUES (%s, %s, %s, %s, now(), %s) RETURNING alert_id",
            [rule_id, subject, customer_id, HAPPENED, json.dumps(content)],
        )
        return int(cursor.fetchone()[0])
