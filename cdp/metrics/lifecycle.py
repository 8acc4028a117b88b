"""The lifecycle: one word for a customer's stage, from dates alone."""

from __future__ import annotations

from cdp.metrics.groups import STATUS
from cdp.metrics.metric import Metric

LIFECYCLES = ("new", "active", "at risk", "lapsed", "returned")

LIFECYCLE = Metric(
    "lifecycle", "text", STATUS, "Lifecycle",
    "New: first seen in the last 30 days. Returned: ordered in the last 30 days, not in the 60 days before those, and for the first "
    "time 90 days ago or more. Active: seen in the last 30 days. At risk: last seen 30 to 59 days ago. Lapsed: 60 days ago or more.",
    "derived",
    "CASE WHEN datediff({as_of}, first_seen) < 30 THEN 'new' "
    "WHEN orders_30d > 0 AND orders_90d = orders_30d AND datediff({as_of}, first_order) >= 90 THEN 'returned' "
    "WHEN datediff({as_of}, last_seen) < 30 THEN 'active' "
    "WHEN datediff({as_of}, last_seen) < 60 THEN 'at risk' ELSE 'lapsed' END",
    choices=LIFECYCLES,
)  # fmt: skip
