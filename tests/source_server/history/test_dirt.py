"""Errors in the history: every reason of the contract occurs, and a row marked with a reason is refused for that one only."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from cdp.events import EVENT_TYPES, FIELDS, REASONS
from cdp.events.fields import MAX_TEXT
from source_server.history.dirt import CODES, COPY, COPY_SHARE, DEFECTS, DIRTY, DIRTY_SHARE, LATE, LATE_SHARE, draw_accidents
from source_server.history.rows import COLUMNS
from source_server.history.seeds import make_rng
from source_server.history.shop import Shop
from tests.source_server.history.conftest import FIRST, history

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def reasons(row: dict[str, str | None]) -> set[str]:
    """Why the contract refuses a row: written from the sentences of REASONS, not from the generator."""
    if row["payload"] is not None:
        try:
            return set() if isinstance(json.loads(row["payload"]), dict) else {"not_json"}
        except ValueError:
            return {"not_json"}
    faults = {"missing" for field in FIELDS if field.required and not row[field.name]}
    time, price, quantity = row["event_time"], row["price"], row["quantity"]
    faults |= {"bad_time"} if time and not (TIME.fullmatch(time) and "2000" <= time[:4] <= "2100") else set()
    faults |= {"bad_type"} if row["event_type"] and row["event_type"] not in EVENT_TYPES else set()
    faults |= {"bad_price"} if price and not re.fullmatch(r"\d{1,10}\.\d\d", price) else set()
    faults |= {"bad_quantity"} if quantity is not None and not re.fullmatch(r"[1-9]\d{0,4}", quantity) else set()
    texts = [row[field.name] for field in FIELDS if field.kind == "text" and field.name in row]
    return faults | {"too_long" for text in texts if text and len(text) > MAX_TEXT}


def expected_reasons(fate: int) -> set[str]:
    return {CODES[fate - DIRTY]} if fate >= DIRTY else set()


def test_every_reason_of_the_contract_has_its_dirt() -> None:
    of_fields_it_lacks = ("bad_amount", "bad_currency")
    assert [*CODES] == [reason.code for reason in REASONS if reason.code not in of_fields_it_lacks]


def test_rows_are_refused_as_they_are_marked(dirty: pa.Table) -> None:
    rows = dirty.select([*COLUMNS, "fate"]).to_pylist()
    wrong = [row for row in rows if reasons(row) != expected_reasons(row["fate"])]
    assert wrong == []
    assert {row["fate"] for row in rows} == {0, COPY, LATE, *range(DIRTY, DIRTY + len(CODES))}


def test_every_defect_occurs(dirty: pa.Table) -> None:
    for defect in DEFECTS:
        if defect.column != "payload":
            rows = dirty.filter(pa.compute.equal(dirty["fate"], DIRTY + CODES.index(defect.code)))
            assert defect.value in rows[defect.column].to_pylist(), defect


def test_a_file_without_whole_lines_gets_a_cut_off_row_instead() -> None:
    shop = Shop(seed=3, first_day=FIRST, customers=4000, events=1_000_000)
    lines, cells = (history(replace(shop, lines=keeps), FIRST, 1).to_pylist() for keeps in (True, False))
    broken = 0
    for line, cell in zip(lines, cells, strict=True):
        if line["payload"] is None:
            assert line == cell
            continue
        broken += 1
        assert reasons(cell) == expected_reasons(cell["fate"]) == {"missing"}
        left = {name: value for name, value in cell.items() if name in COLUMNS and value is not None}
        assert list(left) == ["event_time", "event_type", "product_id"]
    assert broken > 2


def test_shares_match_their_constants() -> None:
    accidents = draw_accidents(make_rng(1, "test"), np.arange(86_400).repeat(10), True)
    rows = 864_000
    fates = Counter(accidents.fate.tolist())
    assert sum(fates[DIRTY + place] for place in range(len(CODES))) / rows == pytest.approx(DIRTY_SHARE, rel=0.1)
    assert fates[COPY] / rows == pytest.approx(COPY_SHARE, rel=0.1)
    assert fates[LATE] / rows == pytest.approx(LATE_SHARE, rel=0.1)
    assert np.array_equal(accidents.row[:rows], np.arange(rows)), "nothing is lost, and only copies are added"
    assert (accidents.fate[rows:] == COPY).all()
    assert ((accidents.defect >= 0) == (accidents.fate >= DIRTY)).all()


def test_late_rows_come_hours_or_days_after_they_happened(dirty: pa.Table) -> None:
    late = dirty.filter(pa.compute.equal(dirty["fate"], LATE)).to_pylist()
    days = Counter(date.fromordinal(row["arrives"] // 86_400) - date.fromisoformat(row["event_time"][:10]) for row in late)
    assert {gap.days for gap in days} == {0, 1, 2}
    assert 0.4 < days[date(2000, 1, 1) - date(2000, 1, 1)] / len(late) < 0.7
