"""The catalogue that the rule builder shows."""

from __future__ import annotations

import json

from cdp.metrics import METRICS
from cdp.rules import describe_behaviours, list_catalogue
from cdp.rules.behaviours import EVENT_FIELDS, EVENTS, MEASURES
from cdp.rules.operators import list_operators


def test_every_metric_is_listed_in_order_with_the_operators_of_its_kind() -> None:
    fields = list_catalogue()
    assert [field["key"] for field in fields] == [metric.key for metric in METRICS]
    for field, metric in zip(fields, METRICS, strict=True):
        assert [operator["key"] for operator in field["operators"]] == [operator.key for operator in list_operators(metric.kind)]


def test_a_field_has_all_that_the_builder_needs() -> None:
    lifecycle = next(field for field in list_catalogue() if field["key"] == "lifecycle")
    assert {"key", "group", "title", "kind", "unit", "about", "choices", "operators"} == set(lifecycle)
    assert "new" in lifecycle["choices"]
    assert lifecycle["group"] == "Lifecycle and RFM"
    assert lifecycle["operators"][0] == {"key": "eq", "label": "is", "values": "one", "value_kind": "text", "about": ""}


def test_an_operator_that_counts_days_takes_a_number_of_them() -> None:
    last_seen = next(field for field in list_catalogue() if field["key"] == "last_seen")
    kinds = {operator["key"]: operator["value_kind"] for operator in last_seen["operators"]}
    assert kinds["in_last_days"] == "days"
    assert kinds["on"] == "date"


def test_it_is_plain_data() -> None:
    assert json.loads(json.dumps(list_catalogue())) == list_catalogue()
    assert json.loads(json.dumps(describe_behaviours())) == describe_behaviours()


def test_events_fields_and_measures_are_listed_in_order() -> None:
    behaviours = describe_behaviours()
    for name, keys in {
        "events": EVENTS,
        "fields": [each.key for each in EVENT_FIELDS],
        "measures": [each.key for each in MEASURES],
    }.items():
        assert [each["key"] for each in behaviours[name]] == list(keys)


def test_fields_and_measures_have_the_operators_that_check_accepts() -> None:
    behaviours = describe_behaviours()
    operators = {
        each["key"]: {operator["key"]: operator["value_kind"] for operator in each["operators"]}
        for each in (*behaviours["fields"], *behaviours["measures"])
    }
    assert "is_set" in operators["brand"]
    assert "is_set" not in operators["events"]
    assert "is_set" in operators["share_of_events"]
    assert operators["share_of_events"]["ge"] == "percent"
    assert operators["last_day"]["in_last_days"] == "days"
    assert [key for key, each in operators.items() if "top" in each] == []


def test_a_field_has_its_limits_and_a_measure_its_events() -> None:
    behaviours = describe_behaviours()
    assert {each["key"]: each["limits"] for each in behaviours["fields"] if each["limits"]} == {
        "weekday": [1, 7],
        "hour": [0, 23],
    }
    events = {each["key"]: each["events"] for each in behaviours["measures"]}
    assert (events["money"], events["share_of_money"], events["days"]) == (["purchase", "refund"], ["purchase"], list(EVENTS))
