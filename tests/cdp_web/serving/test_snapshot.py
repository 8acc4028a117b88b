"""The local copy of a publication's customers. Needs no server: an Arrow table replaces the Delta table."""

from __future__ import annotations

import fcntl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cdp.metrics import METRICS
from cdp_web.serving import snapshot_store
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import QueryTooSlow, snapshot_open
from tests.cdp_web import factories

HEAVY = "SELECT count(*) FROM range(3000000) a, range(3000000) b WHERE a.range * b.range % 7 = 3"


def publication(publication_id: int = 1, **counts: int) -> Publication:
    moment = datetime(2019, 12, 1, tzinfo=UTC)
    return Publication(
        publication_id, factories.DAY, moment, publication_id, publication_id, f"profiles_{publication_id}", counts
    )


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """The Arrow table of the source, followed by the ids of the publications that were requested."""
    calls: list[Any] = [factories.arrow([factories.buyer("2", value="12.50"), factories.customer("1")])]

    def open_customers(requested: Publication) -> Any:
        calls.append(requested.id)
        return calls[0]

    monkeypatch.setattr(snapshot_store, "open_customers", open_customers)
    monkeypatch.setattr(snapshot_store, "open_interactions", lambda requested: factories.interactions_arrow([]))
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: tmp_path)
    return calls


def test_snapshot_has_customers_with_every_metric(table: list[Any]) -> None:
    rows = snapshot_open(publication()).read_rows("SELECT * FROM customers")
    assert [row["customer_id"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {"customer", "customer_id", *(metric.key for metric in METRICS)}
    assert (rows[1]["total_purchase_value"], rows[1]["last_order"]) == (Decimal("12.50"), factories.DAY)


def test_source_is_read_once(table: list[Any]) -> None:
    snapshot_open(publication())
    snapshot_open(publication())
    assert table[1:] == [1]


def test_a_table_that_differs_from_the_publication_is_refused(table: list[Any], tmp_path: Path) -> None:
    with pytest.raises(SnapshotUnavailable, match="has 3 customers, but its table has 2 in 2 rows"):
        snapshot_open(publication(customers=3))
    assert list(tmp_path.glob("snapshot-*")) == []


def test_a_duplicate_customer_is_refused(table: list[Any]) -> None:
    table[0] = factories.arrow([factories.customer("1"), factories.customer("1")])
    with pytest.raises(SnapshotUnavailable, match="has 1 in 2 rows"):
        snapshot_open(publication())


def test_a_missing_column_is_named(table: list[Any]) -> None:
    table[0] = table[0].drop_columns(["revenue_90d"])
    with pytest.raises(SnapshotUnavailable, match="revenue_90d"):
        snapshot_open(publication())


def test_two_snapshots_are_kept(table: list[Any], tmp_path: Path) -> None:
    for number in (1, 2, 3):
        snapshot_open(publication(number))
    assert {path.name for path in tmp_path.glob("*.duckdb")} == {"snapshot-2-2-2.duckdb", "snapshot-3-3-3.duckdb"}


def test_requested_and_newest_snapshots_are_kept_and_remains_of_killed_builds_deleted(table: list[Any], tmp_path: Path) -> None:
    for number in (8, 9):
        snapshot_open(publication(number))
    (tmp_path / "snapshot-9-9-9.4711.new").touch()
    (tmp_path / "snapshot-9-9-9.4711.new.wal").touch()
    snapshot_open(publication(3))
    assert {path.name for path in tmp_path.glob("snapshot-*")} == {f"snapshot-{n}-{n}-{n}.duckdb" for n in (3, 8, 9)}


def test_a_reader_waits_for_a_build_and_gets_an_error_after_the_time_limit(
    table: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_store, "LOCK_WAIT_SECONDS", 0.2)
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SnapshotUnavailable, match="being prepared"):
            snapshot_open(publication())


def test_concurrent_readers_share_one_build(table: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = snapshot_store.open_customers

    def slow(requested: Publication) -> Any:
        time.sleep(0.3)
        return quick(requested)

    monkeypatch.setattr(snapshot_store, "open_customers", slow)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: snapshot_open(publication()).count_customers(), range(4))) == [2, 2, 2, 2]
    assert table[1:] == [1]


def test_a_slow_query_is_interrupted(table: list[Any]) -> None:
    with pytest.raises(QueryTooSlow, match=r"0\.2 seconds"):
        snapshot_open(publication()).read_row(HEAVY, seconds=0.2)


@pytest.mark.parametrize("sql", ["DELETE FROM customers", "SELECT * FROM read_csv('/etc/passwd')", "SET threads = 9"])
def test_a_query_can_neither_write_nor_read_files(table: list[Any], sql: str) -> None:
    with pytest.raises(duckdb.Error):
        snapshot_open(publication()).read_rows(sql)


def test_an_hdfs_failure_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_table(url: str, version: int) -> None:
        raise OSError("Kernel error\n   \x1b[31m↳\x1b[0m IO error\n   \x1b[31m↳\x1b[0m Connection refused (os error 111)\n")

    monkeypatch.setattr(snapshot_store, "DeltaTable", no_table)
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: tmp_path)
    with pytest.raises(SnapshotUnavailable, match=r"/cdp/customers at version 1: Connection refused \(os error 111\)$"):
        snapshot_open(publication())
