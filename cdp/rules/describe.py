"""The catalogue as the rule builder shows it: what each kind of condition can say. Plain data, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdp.metrics import METRICS, Metric
from cdp.rules.behaviours import EVENT_FIELDS, EVENT_TITLES, EVENTS, MEASURES, SHARED_FIELDS, WEEKDAYS, EventField, Measure
from cdp.rules.check import MAX_STEP_DAYS
from cdp.rules.operators import Operator, ValueKind, list_operators
from cdp.rules.recommended import MAX_PLACES, RECOMMENDED_KINDS
from cdp.rules.tree import DEFAULT_PLACES
from cdp.rules.windows import WINDOW_KINDS


def list_catalogue() -> list[dict[str, Any]]:
    """Fields in the order of the metric catalogue, which keeps groups together."""
    return [_describe_metric(metric) for metric in METRICS]


def describe_behaviours() -> dict[str, Any]:
    """Events, fields, measures and windows of a behaviour."""
    return {
        "events": [{"key": key, "title": EVENT_TITLES[key]} for key in EVENTS],
        "fields": [_describe_field(field) for field in EVENT_FIELDS],
        "shared_fields": list(SHARED_FIELDS),
        "measures": [_describe_measure(measure) for measure in MEASURES],
        "windows": [
            {"key": kind.key, "label": kind.label, "values": kind.values, "value_kind": kind.takes, "about": kind.about}
            for kind in WINDOW_KINDS
        ],
        "weekdays": list(WEEKDAYS),
        "max_step_days": MAX_STEP_DAYS,
    }


def describe_recommended() -> dict[str, Any]:
    """What a condition on recommendations can say."""
    return {
        "kinds": [{"key": kind.key, "title": kind.title, "about": kind.about} for kind in RECOMMENDED_KINDS],
        "places": DEFAULT_PLACES,
        "max_places": MAX_PLACES,
    }


def _describe_metric(metric: Metric) -> dict[str, Any]:
    return {
        "key": metric.key,
        "group": metric.group.title,
        "title": metric.title,
        "kind": metric.kind,
        "unit": metric.unit,
        "about": metric.about,
        "choices": list(metric.choices),
        "operators": _describe_operators(list_operators(metric.kind), metric.kind),
    }


def _describe_field(field: EventField) -> dict[str, Any]:
    return {
        "key": field.key,
        "title": field.title,
        "kind": field.kind,
        "about": field.about,
        "limits": list(field.limits) if field.limits else None,
        "operators": _describe_operators(field.operators, field.kind),
    }


def _describe_measure(measure: Measure) -> dict[str, Any]:
    return {
        "key": measure.key,
        "title": measure.title,
        "kind": measure.kind,
        "about": measure.about,
        "events": list(measure.events),
        "operators": _describe_operators(measure.operators, measure.kind),
    }


def _describe_operators(operators: Sequence[Operator], kind: ValueKind) -> list[dict[str, Any]]:
    return [
        {
            "key": operator.key,
            "label": operator.label,
            "values": operator.values,
            "value_kind": operator.value_kind(kind),
            "about": operator.about,
        }
        for operator in operators
    ]
