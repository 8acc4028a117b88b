"""The sums that several programs compare."""

from __future__ import annotations

import pytest

from cdp.lake.tables import COMPACTIONS_TABLE, QUARANTINE_TABLE
from cdp.ledger import DROPPED_COLUMNS, REPLAYED_MESSAGE, EventBalance, count_dropped, count_waiting


@pytest.mark.parametrize(("rows", "surplus"), [(84, 0), (85, 1), (80, -4)])
def test_surplus_is_what_the_table_has_too_many(rows: int, surplus: int) -> None:
    assert EventBalance(good=90, replayed=1, rows=rows, dropped=7).surplus == surplus


def test_copies_count_for_their_table_and_up_to_its_version() -> None:
    rows = [("t1", 3, 5), ("t1", 4, 2), ("t1", 9, 1), ("t0", 3, 100)]
    compactions = [dict(zip(DROPPED_COLUMNS, row, strict=True)) for row in rows]
    assert [count_dropped(compactions, "t1", version) for version in (2, 3, 8, 9)] == [0, 5, 7, 8]


@pytest.mark.parametrize(
    ("next_offset", "first", "end", "waiting"),
    [
        (10, 0, 12, 2),
        (3, 5, 9, 4),  # Kafka has deleted offsets 3 and 4
        (9, 0, 9, 0),
        (None, 2, 4, 2),  # a new partition
    ],
)
def test_offsets_after_the_next_one_wait(next_offset: int | None, first: int, end: int, waiting: int) -> None:
    next_offsets = {} if next_offset is None else {7: next_offset}
    assert count_waiting(next_offsets, {7: (first, end)}) == {7: waiting}


def test_columns_are_those_of_the_tables() -> None:
    assert set(DROPPED_COLUMNS) <= set(COMPACTIONS_TABLE.column_names)
    assert set(REPLAYED_MESSAGE) <= set(QUARANTINE_TABLE.column_names)
