"""Reads of customers by RFM score, group and lifecycle, as of the published day."""

from __future__ import annotations

from datetime import date

from django.core.cache import cache
from django.db import connection

from cdp.lake.paths import INTERACTIONS
from cdp.mart.charts import RFM_DAY, RFM_FLOW
from cdp_web.insights.rfm import Flow, RfmCell
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

SECONDS = 20


def rfm_cells_get(day: date) -> list[RfmCell]:
    """At most 125 rows, one for each triple of scores."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recency_score, frequency_score, monetary_score, rfm_group, customers, revenue "
            f"FROM {RFM_DAY.full_name} WHERE day = %s",
            [day],
        )
        return [RfmCell(*row) for row in cursor.fetchall()]


def rfm_flows_get(day: date) -> dict[str, list[Flow]]:
    """Flows since the day before (`day`) and since 30 days before (`month`); at most 144 of each."""
    flows: dict[str, list[Flow]] = {"day": [], "month": []}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT since, from_group, to_group, customers FROM {RFM_FLOW.full_name} WHERE day = %s", [day])
        for since, *flow in cursor.fetchall():
            flows[since].append(Flow(*flow))
    return flows


def lifecycles_count(snapshot: Snapshot) -> dict[str, int]:
    rows = snapshot.read_rows(f"SELECT lifecycle, count(*) AS customers FROM {TABLE} GROUP BY lifecycle")
    return {row["lifecycle"]: row["customers"] for row in rows}


def lifecycles_count_at(snapshot: Snapshot, day: date) -> dict[str, int]:
    """The lifecycles as they were on an earlier day, from the events up to it; cached, because a publication never changes."""
    key = f"lifecycles-{snapshot.publication.id}-{day}"
    counts: dict[str, int] | None = cache.get(key)
    if counts is None:
        rows = snapshot.read_rows(_LIFECYCLES, [day], SECONDS)
        counts = {row["lifecycle"]: row["customers"] for row in rows}
        cache.set(key, counts, timeout=86_400)
    return counts


#: The definition of the metric `lifecycle`, over the days of the events.
_LIFECYCLES = f"""
    WITH days AS (
        SELECT {KEY}, min(day) AS first_seen, max(day) AS last_seen,
            min(day) FILTER (event_type = 'purchase') AS first_order, max(day) FILTER (event_type = 'purchase') AS last_order,
            coalesce(bool_or($1 - day BETWEEN 30 AND 89) FILTER (event_type = 'purchase'), false) AS ordered_earlier
        FROM {INTERACTIONS} WHERE day <= $1 GROUP BY {KEY})
    SELECT CASE WHEN $1 - first_seen < 30 THEN 'new'
        WHEN $1 - last_order < 30 AND NOT ordered_earlier AND $1 - first_order >= 90 THEN 'returned'
        WHEN $1 - last_seen < 30 THEN 'active' WHEN $1 - last_seen < 60 THEN 'at risk' ELSE 'lapsed' END AS lifecycle,
        count(*) AS customers
    FROM days GROUP BY 1"""
