"""Pages of a data set are slices of its rows, by row number, whatever the row groups of its file are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cdp.settings import Settings
from source_server.http import pages
from source_server.http.pages import Page
from source_server.intake import store
from tests.source_server.conftest import add_file

Write = Callable[..., Path]
ROWS = 25
BEGIN = datetime(2019, 10, 1, tzinfo=UTC)
#: Hours after BEGIN, by row; None is an unreadable time.
HOURS = [*range(10), *[0] * 9, None, 3, None, 21, 20, 24]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write, monkeypatch: pytest.MonkeyPatch) -> store.Dataset:
    """25 rows in row groups of 10."""
    monkeypatch.setattr(store, "ROW_GROUP_ROWS", 10)
    times = ["never" if hours is None else (BEGIN + timedelta(hours=hours)).isoformat() for hours in HOURS]
    return add_file(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}", "event_time": times[n]} for n in range(ROWS))))


def users(page: Page) -> list[int]:
    return [int(orjson.loads(line)["user_id"][1:]) for line in page.body.splitlines()]


@given(st.integers(0, 30), st.integers(1, 30))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_a_slice_of_the_rows(settings: Settings, dataset: store.Dataset, row: int, limit: int) -> None:
    page = pages.page(settings, dataset, row, limit)
    assert users(page) == list(range(ROWS))[row : row + limit]
    assert (page.rows, page.next_row) == (len(users(page)), max(row, min(row + limit, ROWS)))
    times = [BEGIN + timedelta(hours=hours) for hours in HOURS[row : row + limit] if hours is not None]
    assert (page.first_time, page.last_time) == (min(times, default=None), max(times, default=None))


def test_a_page_ends_where_it_becomes_too_large(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 300)
    rows: list[int] = []
    row, requests = 0, 0
    while row < dataset.rows:
        page = pages.page(settings, dataset, row, ROWS)
        assert 0 < len(page.body) <= 300
        rows, row, requests = rows + users(page), page.next_row, requests + 1
    assert rows == list(range(ROWS))
    assert requests > 5


def test_a_row_larger_than_a_page_is_a_page_of_its_own(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 10)
    assert users(pages.page(settings, dataset, 3, ROWS)) == [3]


def test_only_the_row_groups_of_a_page_are_read_and_once(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages._read_group.cache_clear()
    for row in (12, 13, 14):
        pages.page(settings, dataset, row, 3)
    assert (pages._read_group.cache_info().misses, pages._read_group.cache_info().hits) == (1, 2)


def test_a_replaced_data_set_gives_no_page_of_the_other(settings: Settings, dataset: store.Dataset, ndjson: Write) -> None:
    new = add_file(settings, ndjson("shop.ndjson", {"user_id": "u99"}))
    assert users(pages.page(settings, new, 0, 9)) == [99]
    with pytest.raises(store.DatasetUnknown, match="was replaced while it was read"):
        pages.page(settings, dataset, 0, 9)
