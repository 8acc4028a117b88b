"""Consistency of the catalogue: keys, headings, the columns an expression may use, and how values are shown."""

from __future__ import annotations

import re
from itertools import groupby

import pytest

from cdp.mart.daily import CUSTOMER_DAY
from cdp.metrics import BY_KEY, GROUPS, METRICS, Metric, Stage, metrics_of, of_stage, sql_for_day

#: Names that an expression of a stage may use: columns of its rows, or metrics of an earlier stage.
THINGS_COLUMNS = {"thing", "name", "views", "carts", "items", "money"}
ACCOUNT_COLUMNS = {
    "signed_up_at", "city", "marketing_consent", "cart_value", "cart_items", "cart_changed_at", "wishes",
}  # fmt: skip
COLUMNS: dict[Stage, set[str]] = {
    "days": set(CUSTOMER_DAY.column_names),
    "things": THINGS_COLUMNS,
    "account": ACCOUNT_COLUMNS,
    "scores": {metric.key for metric in of_stage("days")},
    "earlier": {metric.key for metric in of_stage("derived")},
    "derived": {metric.key for metric in METRICS if metric.stage != "derived"},
}
FUNCTIONS = {
    "sum", "min", "max", "count", "count_if", "min_by", "struct", "round", "nullif", "date_sub", "datediff", "div",
    "greatest", "trim",
}  # fmt: skip


def test_keys_are_unique_and_there_are_enough() -> None:
    assert len(BY_KEY) == len(METRICS) >= 60


@pytest.mark.parametrize("attribute", ["title", "about"])
def test_titles_and_texts_are_unique(attribute: str) -> None:
    texts = [getattr(metric, attribute) for metric in METRICS]
    assert sorted(texts) == sorted(set(texts))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_an_expression_uses_only_columns_of_its_stage(metric: Metric) -> None:
    words = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", re.sub(r"'[^']*'|\{as_of\}", "", metric.sql)))
    assert words - FUNCTIONS <= COLUMNS[metric.stage]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_the_published_day_is_inserted_and_the_description_is_a_sentence(metric: Metric) -> None:
    assert "{" not in sql_for_day(metric, "2019-10-31")
    assert metric.about[0].isupper()
    assert metric.about.endswith(".")
    assert not metric.choices or metric.kind == "text"
    assert (metric.unit == "money") == (metric.kind == "money")
    assert metric.unit != "share" or metric.kind == "number"
    assert (metric.days_ago > 0) == (metric.stage == "earlier")


def test_metrics_are_grouped_in_the_order_of_the_headings() -> None:
    assert [group for group, _ in groupby(METRICS, key=lambda metric: metric.group)] == list(GROUPS)
    assert tuple(metric for group in GROUPS for metric in metrics_of(group)) == METRICS


def test_each_window_has_the_same_metrics() -> None:
    names = {days: [m.key.removesuffix(f"_{days}d") for m in METRICS if m.window == days] for days in (7, 30, 90)}
    assert names[7] == names[30] == names[90]
    assert len(names[7]) == 14


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("abandonment_rate", "percent"), ("active_days", "days"), ("mean_days_between_orders", "days"), ("views", "count"),
        ("recency_score", "count"), ("revenue_7d", "money"), ("views_per_session", "decimal"), ("first_seen", "day"),
        ("rfm_group", "text"),
    ],
)  # fmt: skip
def test_shown_by_unit_else_by_kind(key: str, shown: str) -> None:
    assert BY_KEY[key].shown == shown
