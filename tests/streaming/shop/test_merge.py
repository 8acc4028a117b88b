"""Changes merged into a Delta table on the local disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from deltalake import DeltaTable

from cdp.lake.paths import table_url
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.settings import Settings, load
from streaming.shop import merge
from streaming.shop.merge import merge_changes
from streaming.shop.rows import WHOLE_TABLE
from streaming.shop.values import UNCHANGED
from streaming.tables import ensure_tables

PRODUCTS = SHOP_LAKE_TABLES["products"]
TIME = "2026-03-01T10:00:00.123456+00:00"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = replace(load({}), hdfs_url=f"file://{tmp_path}")
    ensure_tables(settings, [PRODUCTS])
    return settings


def change(settings: Settings, *rows: dict[str, Any], deleted: tuple[str, ...] = (), whole: bool = False) -> None:
    contents: dict[str, str | None] = {f'["{row["product_id"]}"]': orjson.dumps(row).decode() for row in rows}
    contents |= {f'["{product}"]': None for product in deleted}
    merge_changes(settings, PRODUCTS, contents | ({WHOLE_TABLE: "{}"} if whole else {}))


def read(settings: Settings, *columns: str) -> list[tuple[Any, ...]]:
    table = DeltaTable(table_url(settings, PRODUCTS.name)).to_pyarrow_table(columns=list(columns))
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_rows_are_added_changed_and_deleted_and_again_changes_nothing(settings: Settings) -> None:
    lamp = {"product_id": "1", "name": "Lamp", "price": "9999999999.99", "stock": 5, "active": True, "updated_at": TIME}
    change(settings, lamp, {"product_id": "2", "name": "Cup"}, {"product_id": "3"})
    for _ in range(2):
        change(settings, lamp | {"stock": 4}, deleted=("2", "9"))
        columns = ("product_id", "name", "price", "stock", "active", "updated_at")
        at = datetime(2026, 3, 1, 10, 0, 0, 123456, UTC)
        assert read(settings, *columns) == [
            ("1", "Lamp", Decimal("9999999999.99"), 4, True, at),
            ("3", None, None, None, None, None),
        ]


def test_a_new_column_is_added_as_text_and_stays_when_the_stream_starts_again(settings: Settings) -> None:
    change(settings, {"product_id": "1", "name": "Lamp"})
    change(settings, {"product_id": "2", "name": "Cup", "Full Name": "a cup", "weight": "1.5"})
    ensure_tables(settings, [PRODUCTS])
    change(settings, {"product_id": "1", "name": "Lamp", "Full Name": "a lamp"})
    assert read(settings, "product_id", "Full Name", "weight") == [("1", "a lamp", None), ("2", "a cup", "1.5")]


def test_a_large_text_that_did_not_change_keeps_its_value(settings: Settings) -> None:
    change(settings, {"product_id": "1", "name": "long", "brand": "b"})
    change(settings, {"product_id": "1", "name": UNCHANGED, "brand": None}, {"product_id": "2", "name": UNCHANGED})
    assert read(settings, "product_id", "name", "brand") == [("1", "long", None), ("2", None, None)]


def test_a_whole_table_replaces_all_rows(settings: Settings) -> None:
    change(settings, {"product_id": "1"}, {"product_id": "2"})
    change(settings, {"product_id": "3"}, deleted=("1",), whole=True)
    assert read(settings, "product_id") == [("3",)]
    change(settings, whole=True)
    assert read(settings, "product_id") == []


def test_many_files_become_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MOST_FILES", 2)
    for product in "123":
        change(settings, {"product_id": product})
    assert len(DeltaTable(table_url(settings, PRODUCTS.name)).file_uris()) == 1
    assert read(settings, "product_id") == [("1",), ("2",), ("3",)]
