"""The store: a file is added completely or not at all, and the same file only once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp.settings import Settings
from source_server.http import pages
from source_server.intake import Chunk, FileAccount, FileRefused, mapping_for, store
from tests.source_server.conftest import add_file

Write = Callable[..., Path]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write) -> store.Dataset:
    return add_file(settings, ndjson("shop.ndjson", {}))


def values(settings: Settings, dataset: store.Dataset, field: str) -> list[str]:
    body = pages.page(settings, dataset, 0, 50_000).body
    return [orjson.loads(line)[field] for line in body.splitlines()]


def test_the_description_of_a_data_set(settings: Settings, ndjson: Write) -> None:
    times = ("2019-10-02T01:00:00+02:00", "2019-10-01 00:00:07 UTC", "9999-12-31 00:00:00 UTC", "x")
    dataset = add_file(settings, ndjson("shop.ndjson", *({"event_time": time} for time in times)))
    assert (dataset.name, dataset.rows) == ("shop", 4)
    assert dataset.first_time == datetime(2019, 10, 1, 0, 0, 7, tzinfo=UTC)
    assert (dataset.account.read, dataset.account.events) == (4, 2)
    assert {reason: refusals.count for reason, refusals in dataset.account.refused.items()} == {"bad_time": 2}
    assert store.list_datasets(settings) == [dataset] == [store.get_dataset(settings, "shop")]


def test_row_groups_are_even_however_the_file_is_read(settings: Settings, ndjson: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROW_GROUP_ROWS", 10)
    original = store.read_chunks

    def read_small_chunks(*arguments: Any) -> Iterator[Chunk]:
        for chunk in original(*arguments):
            for row in range(0, len(chunk.lines), 7):
                account = chunk.account if row == 0 else FileAccount()
                yield Chunk(chunk.lines[row : row + 7], chunk.times[row : row + 7], account, None)

    monkeypatch.setattr(store, "read_chunks", read_small_chunks)
    dataset = add_file(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}"} for n in range(25))))
    metadata = store.read_file_metadata(store.stat_file(store.path_of(settings, "shop")))
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [10, 10, 5]
    assert values(settings, dataset, "user_id") == [f"u{n}" for n in range(25)]


def test_rows_that_name_no_source_get_the_data_sets_name(settings: Settings, ndjson: Write) -> None:
    dataset = add_file(settings, ndjson("shop.ndjson", {}, {"source": "app"}))
    assert values(settings, dataset, "source") == ["shop", "app"]


def test_the_same_file_again_changes_nothing(settings: Settings, ndjson: Write) -> None:
    path = ndjson("shop.ndjson", {})
    first = add_file(settings, path)
    before = (store.folder(settings) / "shop.parquet").stat().st_ino
    assert add_file(settings, path) == first
    assert (store.folder(settings) / "shop.parquet").stat().st_ino == before


def test_another_file_of_the_same_name_replaces_it(settings: Settings, ndjson: Write) -> None:
    old = add_file(settings, ndjson("shop.ndjson", {"user_id": "old"}))
    new = add_file(settings, ndjson("shop.ndjson", {"user_id": "new"}))
    assert new.content_id != old.content_id
    assert values(settings, new, "user_id") == ["new"]


def test_another_mapping_makes_other_content(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("event_time,event_type,product_id,price,user_id\n2019-10-01T00:00:00Z,view,1,2.50,u1\n")
    mapping = tmp_path / "carts.toml"
    mapping.write_text('[constants]\nevent_type = "cart"\n')
    ids = [add_file(settings, path, name).content_id for name in (None, str(mapping), None)]
    assert ids[0] == ids[2] != ids[1]


def test_the_name_belongs_to_the_content(settings: Settings, ndjson: Write) -> None:
    """The same bytes under two names are two data sets: their rows say different sources."""
    one, other = (add_file(settings, ndjson(name, {})) for name in ("a.ndjson", "b.ndjson"))
    assert one.content_id != other.content_id


def test_a_refused_file_leaves_the_old_data_set_and_no_temporary_file(settings: Settings, ndjson: Write) -> None:
    old = add_file(settings, ndjson("shop.ndjson", {}))
    for line in (b"x" * 300_000, b"no event"):
        with pytest.raises(FileRefused):
            add_file(settings, ndjson("shop.ndjson", line))
    assert store.list_datasets(settings) == [old]
    assert {path.name for path in store.folder(settings).iterdir()} == {"shop.parquet", ".lock"}


def test_a_file_without_rows_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("event_time,event_type,product_id,price,user_id\n")
    with pytest.raises(FileRefused, match=r"shop\.csv holds no rows"):
        add_file(settings, path)


@pytest.mark.parametrize("name", ["-x.csv", "a b.csv", "ü.csv", "x" * 101 + ".csv"])
def test_a_name_that_no_url_can_hold_is_refused(name: str, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="rename the file"):
        add_file(settings, tmp_path / name)


def test_the_progress_is_reported(settings: Settings, ndjson: Write) -> None:
    reports: list[tuple[int, float | None]] = []
    path = ndjson("shop.ndjson", {}, {})
    store.add(settings, path, mapping_for(None), lambda rows, part: reports.append((rows, part)))
    assert reports == [(2, 1.0)]


def test_an_unknown_data_set_names_those_there_are(settings: Settings, dataset: store.Dataset) -> None:
    os.link(store.folder(settings) / "shop.parquet", store.folder(settings).parent / "outside.parquet")
    for name in ("shops", "../outside", ""):
        with pytest.raises(store.DatasetUnknown, match="there are: shop"):
            store.get_dataset(settings, name)


def test_a_foreign_file_in_the_folder_is_named(settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "other.parquet"
    os.link(_plain_parquet(path.with_suffix(".made")), path)
    with pytest.raises(store.DatasetBroken, match=r"other\.parquet was not put there by \./run load"):
        store.list_datasets(settings)


def test_a_damaged_data_set_is_named(settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "shop.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(store.DatasetBroken, match=r"shop\.parquet is damaged; load its file again"):
        store.list_datasets(settings)


def _plain_parquet(path: Path) -> Path:
    pq.write_table(pa.table({"a": [1]}), path)
    return path
