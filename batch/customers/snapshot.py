"""The customers as of a day: every metric of the catalogue, from the daily rows and the interactions up to that day,
and from the accounts in the shop's database.

Metrics over a customer's own rows are carried over from an earlier snapshot when the customer has not changed since. Scores,
which rank all customers, metrics of the account and derived metrics are recomputed for everyone.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.customers.lineage import Baseline
from batch.customers.rfm import TOTALS_BEFORE, compute_rfm, sum_totals_before
from batch.customers.things import build_things
from batch.days.customer_day import CUSTOMER_ID
from cdp.kinds import METRIC_KINDS
from cdp.metrics import METRICS, Metric, Stage, of_stage, sql_for_day


def aggregate_customers(customer_day: DataFrame, interactions: DataFrame, as_of: date) -> DataFrame:
    """The metrics over each customer's own rows: those of the stages `days` and `things`, and TOTALS_BEFORE."""
    rows_up_to_day = customer_day.where(F.col("day") <= F.lit(as_of))
    totals = rows_up_to_day.groupBy(CUSTOMER_ID).agg(*_expressions("days", as_of), *sum_totals_before(as_of))
    favourites = build_things(interactions, as_of).groupBy(CUSTOMER_ID).agg(*_expressions("things", as_of))
    return totals.join(favourites, CUSTOMER_ID, "left")


def reuse_unchanged(baseline: Baseline, recomputed: DataFrame) -> DataFrame:
    """The same for all customers: unchanged ones from the baseline, changed ones from `recomputed`. A changed customer with no
    rows left up to the day appears in neither frame."""
    unchanged = baseline.snapshot.join(F.broadcast(baseline.changed_ids), CUSTOMER_ID, "left_anti")
    return unchanged.select(recomputed.columns).unionByName(recomputed)


def build_snapshot(aggregates: DataFrame, as_of: date, accounts: DataFrame | None = None) -> DataFrame:
    """`customer_id`, one column per metric in the order of the catalogue, and TOTALS_BEFORE. Reads `aggregates` twice. A shop
    without a database has no `accounts`."""
    with_scores = aggregates.join(compute_rfm(aggregates, as_of), CUSTOMER_ID, "left")
    complete = _add_accounts(with_scores, accounts, as_of)
    return complete.select(CUSTOMER_ID, *(_column(metric, as_of) for metric in METRICS), *TOTALS_BEFORE)


def _add_accounts(customers: DataFrame, accounts: DataFrame | None, as_of: date) -> DataFrame:
    if accounts is None:
        missing = {metric.key: F.lit(None).cast(METRIC_KINDS[metric.kind].spark) for metric in of_stage("account")}
        return customers.withColumns(missing)
    return customers.join(accounts.select(CUSTOMER_ID, *_expressions("account", as_of)), CUSTOMER_ID, "left")


def select_rows_of(customers: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows of these customers. There must be few customers: they are broadcast."""
    return rows.join(F.broadcast(customers.select(CUSTOMER_ID)), CUSTOMER_ID, "left_semi")


def _expressions(stage: Stage, as_of: date) -> list[Column]:
    return [_expression(metric, as_of) for metric in of_stage(stage)]


def _column(metric: Metric, as_of: date) -> Column:
    """Derived metrics are computed from other columns; all others exist already."""
    return _expression(metric, as_of) if metric.stage == "derived" else F.col(metric.key)


def _expression(metric: Metric, as_of: date) -> Column:
    return F.expr(sql_for_day(metric, as_of.isoformat())).cast(METRIC_KINDS[metric.kind].spark).alias(metric.key)
