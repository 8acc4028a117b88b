"""The one list of metrics. It drives the aggregation in Spark, the snapshot's columns, the MongoDB document, the rule
builder's list and docs/metrics.md.

Each metric is written once, in the module of its subject. Recency and windows count from the published day, never from the
clock of the machine.
"""

from __future__ import annotations

from hashlib import sha256

from cdp.metrics.account import ACCOUNT_METRICS
from cdp.metrics.groups import GROUPS, MetricGroup
from cdp.metrics.lifecycle import LIFECYCLE, LIFECYCLES
from cdp.metrics.metric import Kind, Metric, Shown, Stage, Unit, count_days, sql_as_of, sql_for_day
from cdp.metrics.recency import RECENCY_METRICS
from cdp.metrics.rfm import RFM_METRICS
from cdp.metrics.things import THING_METRICS, THING_RATE_METRICS
from cdp.metrics.totals import ACTIVITY_METRICS, ORDER_METRICS, RATE_METRICS
from cdp.metrics.windows import WINDOW_METRICS

__all__ = [
    "BY_KEY",
    "GROUPS",
    "LIFECYCLES",
    "METRICS",
    "Kind",
    "Metric",
    "MetricGroup",
    "Shown",
    "Stage",
    "Unit",
    "count_days",
    "definition",
    "metrics_of",
    "of_stage",
    "sql_as_of",
    "sql_for_day",
]  # fmt: skip

#: In the order of their groups.
METRICS: tuple[Metric, ...] = (
    LIFECYCLE,
    *RFM_METRICS,
    *RECENCY_METRICS,
    *ORDER_METRICS,
    *ACTIVITY_METRICS,
    *THING_METRICS,
    *THING_RATE_METRICS,
    *RATE_METRICS,
    *ACCOUNT_METRICS,
    *WINDOW_METRICS,
)

BY_KEY = {metric.key: metric for metric in METRICS}


def metrics_of(group: MetricGroup) -> tuple[Metric, ...]:
    return tuple(metric for metric in METRICS if metric.group is group)


def of_stage(stage: Stage) -> tuple[Metric, ...]:
    return tuple(metric for metric in METRICS if metric.stage == stage)


def definition() -> str:
    """A hash of how the metrics are computed. Numbers computed under another definition cannot be continued from."""
    parts = ((metric.key, metric.kind, metric.stage, metric.sql, metric.days_ago) for metric in METRICS)
    return sha256(repr(tuple(parts)).encode()).hexdigest()[:16]
