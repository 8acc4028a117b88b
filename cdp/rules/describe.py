"""The catalogue as the rule builder shows it: every field with its operators."""

from __future__ import annotations

from typing import Any

from cdp.metrics import METRICS, Metric
from cdp.rules.operators import Operator, list_operators


def list_catalogue() -> list[dict[str, Any]]:
    """Fields in the order of the metric catalogue, which keeps groups together; plain data, ready for JSON."""
    return [_describe_field(metric) for metric in METRICS]


def _describe_field(metric: Metric) -> dict[str, Any]:
    return {
        "key": metric.key,
        "group": metric.group.title,
        "title": metric.title,
        "kind": metric.kind,
        "unit": metric.unit,
        "about": metric.about,
        "choices": list(metric.choices),
        "operators": [_describe_operator(operator, metric) for operator in list_operators(metric.kind)],
    }


def _describe_operator(operator: Operator, metric: Metric) -> dict[str, Any]:
    return {
        "key": operator.key,
        "label": operator.label,
        "values": operator.values,
        "value_kind": operator.value_kind(metric.kind),
        "about": operator.about,
    }
