"""What goes wrong: every reason of the contract occurs, and a row marked with a reason is refused for just that one."""

from __future__ import annotations

import json
import re
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.events import EVENT_TYPES, FIELDS, REASONS
from cdp.events.fields import MAX_TEXT
from source_server.history.dirt import DIRTY_SHARE, SPOILS, with_accidents
from source_server.history.rows import COLUMNS, PLACES, Row, Values
from source_server.history.shop import Shop

DAY = date(2019, 9, 20)
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def reasons(values: Values) -> set[str]:
    """Why the contract refuses a row: written from the sentences of REASONS, not from the generator."""
    if values[PLACES["payload"]] is not None:
        try:
            return set() if isinstance(json.loads(values[PLACES["payload"]]), dict) else {"not_json"}
        except ValueError:
            return {"not_json"}
    row = dict(zip(COLUMNS, values, strict=True))
    found = {"missing" for field in FIELDS if field.required and not row[field.name]}
    time, price, quantity = row["event_time"], row["price"], row["quantity"]
    found |= {"bad_time"} if time and not (TIME.fullmatch(time) and "2000" <= time[:4] <= "2100") else set()
    found |= {"bad_type"} if row["event_type"] and row["event_type"] not in EVENT_TYPES else set()
    found |= {"bad_price"} if price and not re.fullmatch(r"\d{1,10}\.\d\d", price) else set()
    found |= {"bad_quantity"} if quantity is not None and not re.fullmatch(r"[1-9]\d{0,4}", quantity) else set()
    texts = [row[field.name] for field in FIELDS if field.kind == "text" and field.name in row]
    return found | {"too_long" for text in texts if text and len(text) > MAX_TEXT}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    shop = Shop(seed=3, first_day=DAY, customers=3000, events=600_000)
    return [row for _, day in shop.arrivals(DAY, date(2019, 9, 22)) for row in day]


def test_every_reason_of_the_contract_has_its_dirt() -> None:
    assert list(SPOILS) == [reason.code for reason in REASONS]


@given(st.sampled_from(sorted(SPOILS)), st.integers(0, 10_000))
def test_a_spoilt_row_is_refused_for_its_reason_alone(code: str, seed: int) -> None:
    good = ("2019-09-20 12:00:00 UTC", "view", "1", None, None, None, "9.50", "7", None, None, None, None)
    assert reasons(good) == set()
    assert reasons(SPOILS[code](Random(seed), good)) == {code}


def test_rows_are_refused_as_they_are_marked(rows: list[Row]) -> None:
    assert [reasons(row.values) for row in rows] == [{row.dirt} if row.dirt else set() for row in rows]


def test_shares_are_those_that_are_told(rows: list[Row]) -> None:
    assert sum(row.dirt is not None for row in rows) / len(rows) == pytest.approx(DIRTY_SHARE, rel=0.35)
    assert {row.dirt for row in rows if row.dirt} == set(SPOILS)


def test_nothing_is_lost_on_the_way() -> None:
    """A row goes wrong in one way at most, and only a copy adds one."""
    clean = [Row(second, (str(second), *(None for _ in COLUMNS[1:]))) for second in range(0, 80_000, 10)]
    after = list(with_accidents(Random(1), clean))
    assert len(after) == len(clean) + sum(row.copy for row in after)
    assert all(bool(row.dirt) + row.copy + row.late <= 1 for row in after)
    untouched = {row.values for row in after if not row.dirt}
    assert sum(row.values not in untouched for row in clean) == sum(bool(row.dirt) for row in after)
