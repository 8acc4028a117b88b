"""The options of ./run replay that the form stands for, and what the form refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from cdp_web.pipeline.replay_form import REPAIRS, RepairForm, RepairFormSet, ReplayForm, build_options, find_repeated


def make_data(*repairs: dict[str, str], **values: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({"form-TOTAL_FORMS": str(REPAIRS), "form-INITIAL_FORMS": "0"})
    for number, repair in enumerate(repairs):
        data.update({f"form-{number}-{name}": value for name, value in repair.items()})
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def test_options_in_the_order_of_the_command_line() -> None:
    repairs = (
        {"kind": "map", "field": "price", "old": "19,99", "value": "19.99"},
        {"kind": "set-default", "field": "user_id", "value": "unknown"},
        {"kind": "set", "field": "quantity", "value": "null"},
    )
    data = make_data(
        *repairs,
        reasons=["bad_price", "missing"],
        fields_refused=["price"],
        first="2019-10-01",
        last="2019-10-02",
        MAX_TEXT="250",
    )
    form, formset = ReplayForm(data), RepairFormSet(data)
    assert form.is_valid()
    assert formset.is_valid()
    assert build_options(form.cleaned_data, list(formset)) == [
        "--reason", "bad_price", "missing", "--field", "price", "--from", "2019-10-01", "--to", "2019-10-02",
        "--map", "price:19,99=19.99", "--set-default", "user_id=unknown", "--set", "quantity=null", "--bound", "MAX_TEXT=250",
    ]  # fmt: skip


def test_an_empty_form_selects_everything_without_a_repair() -> None:
    form, formset = ReplayForm(make_data()), RepairFormSet(make_data())
    assert form.is_valid()
    assert formset.is_valid()
    assert build_options(form.cleaned_data, list(formset)) == []


@pytest.mark.parametrize(
    ("repair", "field"),
    [
        ({"kind": "map", "field": "price", "value": "1"}, "old"),
        ({"kind": "set", "field": "", "value": "1"}, "field"),
        ({"kind": "set", "field": "price"}, "value"),
        ({"kind": "set", "field": "weight", "value": "1"}, "field"),
        ({"kind": "drop", "field": "price", "value": "1"}, "kind"),
        ({"kind": "set-default", "field": "price", "value": "null"}, "value"),
        ({"kind": "set", "field": "event_id", "value": "one"}, "field"),
        ({"kind": "set", "field": "brand", "value": "a\x07b"}, "value"),
    ],
)
def test_wrong_repairs_are_refused_at_their_field(repair: dict[str, str], field: str) -> None:
    assert list(RepairForm(repair).errors) == [field]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reasons": ["bad_day"]}, "reasons"),
        ({"first": "2019-10-02", "last": "2019-10-01"}, "last"),
        ({"MAX_TEXT": "501"}, "MAX_TEXT"),
        ({"EARLIEST_DAY": "1899-12-31"}, "EARLIEST_DAY"),
    ],
)
def test_wrong_selections_and_limits_are_refused(values: dict[str, Any], field: str) -> None:
    assert list(ReplayForm(make_data(**values)).errors) == [field]


def test_a_field_is_repaired_once_by_each_kind_and_a_map_replaces_several_values() -> None:
    maps = [{"kind": "map", "field": "price", "old": old, "value": "1"} for old in ("a", "b")]
    twice = [{"kind": "set", "field": "price", "value": value} for value in ("1", "2")]
    for repairs, is_repeated in ((maps, False), (twice, True), ([maps[0], maps[0]], True)):
        formset = RepairFormSet(make_data(*repairs))
        assert formset.is_valid()
        assert (find_repeated(list(formset)) is not None) is is_repeated
