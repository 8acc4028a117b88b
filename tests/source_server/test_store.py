"""The store: a file is taken in whole or not at all, and its pages are its rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cdp.settings import Settings
from source_server import columns, store
from source_server import ndjson as reader
from source_server.readers import FileRefused

Write = Callable[..., Path]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write, monkeypatch: pytest.MonkeyPatch) -> store.Dataset:
    """25 rows in row groups of 10."""
    monkeypatch.setattr(store, "ROW_GROUP_ROWS", 10)
    return store.add(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}"} for n in range(25))))


def users(page: store.Page) -> list[str]:
    return [orjson.loads(line)["user_id"] for line in page.lines]


@pytest.mark.parametrize("chunk", [64, 1 << 20])
def test_what_is_known_of_a_data_set(chunk: int, settings: Settings, ndjson: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many batches the file is read in."""
    monkeypatch.setattr(reader, "CHUNK_BYTES", chunk)
    rows = (
        {"event_time": time} for time in ("2019-10-02T01:00:00+02:00", "2019-10-01 00:00:07 UTC", "9999-12-31 00:00:00 UTC", "x")
    )
    dataset = store.add(settings, ndjson("shop.ndjson", *rows))
    assert (dataset.name, dataset.rows) == ("shop", 4)
    assert (dataset.first_time, dataset.last_time) == ("2019-10-01 00:00:07", "2019-10-02 01:00:00")
    assert store.datasets(settings) == [dataset] == [store.dataset(settings, "shop")]


@given(st.integers(0, 30), st.integers(1, 30))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_a_slice_of_the_rows(settings: Settings, dataset: store.Dataset, row: int, limit: int) -> None:
    page = store.page(settings, dataset, row, limit)
    assert users(page) == [f"u{n}" for n in range(25)][row : row + limit]
    assert page.next_row == row + len(page.lines)


def test_a_page_ends_where_it_becomes_too_large(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_PAGE_BYTES", 300)
    seen: list[str] = []
    row, pages = 0, 0
    while row < dataset.rows:
        page = store.page(settings, dataset, row, 25)
        assert page.lines
        seen, row, pages = seen + users(page), page.next_row, pages + 1
    assert seen == [f"u{n}" for n in range(25)]
    assert pages > 5


def test_only_the_row_groups_of_a_page_are_read(
    settings: Settings, dataset: store.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = store.lines_of
    monkeypatch.setattr(store, "lines_of", lambda table: read.append(table.num_rows) or original(table))
    store.page(settings, dataset, 12, 3)
    assert read == [3]


def test_rows_that_name_no_source_get_the_data_sets_name(settings: Settings, ndjson: Write) -> None:
    dataset = store.add(settings, ndjson("shop.ndjson", {}, {"source": "app"}))
    assert [orjson.loads(line)["source"] for line in store.page(settings, dataset, 0, 9).lines] == ["shop", "app"]


def test_the_same_file_again_changes_nothing(settings: Settings, ndjson: Write) -> None:
    path = ndjson("shop.ndjson", {})
    first = store.add(settings, path)
    before = (store.folder(settings) / "shop.parquet").stat().st_ino
    assert store.add(settings, path) == first
    assert (store.folder(settings) / "shop.parquet").stat().st_ino == before


def test_another_file_of_the_name_takes_its_place(settings: Settings, ndjson: Write) -> None:
    old = store.add(settings, ndjson("shop.ndjson", {"user_id": "old"}))
    new = store.add(settings, ndjson("shop.ndjson", {"user_id": "new"}))
    assert new.content_id != old.content_id
    assert users(store.page(settings, new, 0, 9)) == ["new"]
    with pytest.raises(store.DatasetUnknown, match="was replaced while it was read"):
        store.page(settings, old, 0, 9)


def test_the_name_belongs_to_the_content(settings: Settings, ndjson: Write) -> None:
    """The same bytes under two names are two data sets: their rows say different sources."""
    one, other = (store.add(settings, ndjson(name, {})) for name in ("a.ndjson", "b.ndjson"))
    assert one.content_id != other.content_id


def test_a_refused_file_leaves_the_old_data_set_and_no_rest(settings: Settings, ndjson: Write) -> None:
    old = store.add(settings, ndjson("shop.ndjson", {}))
    for line in (b"x" * 300_000, b"no event"):
        with pytest.raises(FileRefused):
            store.add(settings, ndjson("shop.ndjson", line))
    assert store.datasets(settings) == [old]
    assert {path.name for path in store.folder(settings).iterdir()} == {"shop.parquet", ".lock"}


def test_a_file_without_rows_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("event_time,event_type,product_id,price,user_id\n")
    with pytest.raises(FileRefused, match=r"shop\.csv holds no rows"):
        store.add(settings, path)


@pytest.mark.parametrize("name", ["-x.csv", "a b.csv", "ü.csv", "x" * 101 + ".csv"])
def test_a_name_that_no_address_can_hold_is_refused(name: str, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="rename the file"):
        store.add(settings, tmp_path / name)


def test_the_progress_is_told(settings: Settings, ndjson: Write) -> None:
    told: list[int] = []
    store.add(settings, ndjson("shop.ndjson", {}, {}), told.append)
    assert told == [2]


def test_an_unknown_data_set_names_those_there_are(settings: Settings, dataset: store.Dataset) -> None:
    os.link(store.folder(settings) / "shop.parquet", store.folder(settings).parent / "outside.parquet")
    for name in ("shops", "../outside", ""):
        with pytest.raises(store.DatasetUnknown, match="there are: shop"):
            store.dataset(settings, name)


def test_a_foreign_file_in_the_folder_is_named(settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "other.parquet"
    os.link(_plain_parquet(path.with_suffix(".made")), path)
    with pytest.raises(store.DatasetBroken, match=r"other\.parquet was not put there by \./run load"):
        store.datasets(settings)


def test_a_damaged_data_set_is_named(settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "shop.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(store.DatasetBroken, match=r"shop\.parquet is damaged; load its file again"):
        store.datasets(settings)


def _plain_parquet(path: Path) -> Path:
    pq.write_table(pa.table({"a": [1]}), path)
    return path


def test_columns_on_disk_are_the_fields_of_an_event() -> None:
    assert columns.SCHEMA.names == [*columns.FIELD_NAMES, columns.PAYLOAD]
