"""The catalogue that the rule builder shows."""

from __future__ import annotations

import json

from cdp.metrics import METRICS
from cdp.rules import list_catalogue
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
