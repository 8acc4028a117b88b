"""Arrow types of the metrics, for tables that tests make."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.metrics import Metric

ARROW_TYPES = {
    "integer": pa.int64(),
    "money": pa.decimal128(DIGITS, MONEY_SCALE),
    "number": pa.decimal128(DIGITS, NUMBER_SCALE),
    "date": pa.date32(),
    "text": pa.string(),
}


def make_customers_schema(metrics: Iterable[Metric]) -> pa.Schema:
    return pa.schema([("customer_id", pa.string()), *((metric.key, ARROW_TYPES[metric.kind]) for metric in metrics)])
