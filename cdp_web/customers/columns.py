"""The metrics in the customer list. The page of one customer shows all, under the headings of the catalogue."""

from __future__ import annotations

from cdp.metrics import BY_KEY, Metric

#: The columns of the list after the customer's id.
LIST_COLUMNS: tuple[Metric, ...] = tuple(
    BY_KEY[key]
    for key in (
        "lifecycle",
        "last_seen",
        "sessions",
        "total_purchase",
        "total_purchase_value",
        "avg_purchase_value",
        "last_order",
    )
)
