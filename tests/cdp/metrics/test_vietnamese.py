"""The titles of the metrics in Vietnamese."""

from __future__ import annotations

from cdp.metrics import METRICS
from cdp.metrics.vietnamese import VIETNAMESE_CHOICES, VIETNAMESE_TITLES


def test_every_metric_has_a_title_of_its_own() -> None:
    assert list(VIETNAMESE_TITLES) == [metric.key for metric in METRICS]
    assert all(VIETNAMESE_TITLES.values())
    assert len(set(VIETNAMESE_TITLES.values())) == len(METRICS)


def test_no_title_is_left_in_english() -> None:
    assert [metric.key for metric in METRICS if VIETNAMESE_TITLES[metric.key] == metric.title] == []


def test_a_metric_of_the_last_days_has_the_title_of_the_whole_history() -> None:
    for metric in METRICS:
        ends_with_window = VIETNAMESE_TITLES[metric.key].endswith(f", {metric.window} ngày qua")
        assert ends_with_window is (metric.window is not None)
    assert VIETNAMESE_TITLES["orders_30d"] == f"{VIETNAMESE_TITLES['total_purchase']}, 30 ngày qua"
    assert VIETNAMESE_TITLES["carts_7d"] == f"{VIETNAMESE_TITLES['carts']}, 7 ngày qua"


def test_every_word_that_is_a_value_has_its_own_in_vietnamese() -> None:
    choices = {choice for metric in METRICS for choice in metric.choices}
    assert set(VIETNAMESE_CHOICES) == choices
    assert len(set(VIETNAMESE_CHOICES.values())) == len(choices)
