"""./run files: the arithmetic without a server, and the whole command on a real HDFS."""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hdfs import InsecureClient

from cdp.lake.paths import EVENTS, TABLES, table_url
from infra.stack import files, verbs
from infra.stack.files import FileGroup, HdfsFile, Listing, chosen, count_files, format_size, holdings
from infra.stack.stack import Stack, StackError, open_stack

MB = 2**20
DAY = "event_day=2019-10-01"


def listing() -> Listing:
    """Ten files of 1 MB on the first day, a live and a replaced one of 200 MB on the second, and two log files."""
    first = [HdfsFile(f"{DAY}/{n}.parquet", MB, 1) for n in range(10)]
    second = [HdfsFile(f"event_day=2019-10-02/{name}.parquet", 200 * MB, 2) for name in ("new", "old")]
    log = [HdfsFile(f"_delta_log/{n}.json", 1000, 1) for n in range(2)]
    return Listing([*first, *second, *log], directories=4)


LIVE = frozenset({file.path for file in listing().files} - {"event_day=2019-10-02/old.parquet"})


def test_files_that_the_log_does_not_name_wait_for_the_vacuum() -> None:
    table = count_files(EVENTS, listing(), LIVE)
    assert table.data == FileGroup(files=11, size=210 * MB, waiting=1, waiting_size=200 * MB)
    assert table.days == {"2019-10-01": FileGroup(10, 10 * MB), "2019-10-02": FileGroup(1, 200 * MB, 1, 200 * MB)}
    assert (table.log_files, table.log_size) == (2, 2000)


def test_objects_of_the_namenode_are_files_blocks_and_directories() -> None:
    assert count_files(EVENTS, listing(), LIVE).objects == 14 + (10 + 2 + 2 + 2) + 4


@pytest.mark.parametrize(
    ("group", "piles_up"),
    [
        (FileGroup(9, 9 * MB), True),
        (FileGroup(8, 8 * MB), False),
        (FileGroup(9, 9 * 16 * MB), False),
        (FileGroup(0, 0, 100, MB), False),
    ],
)
def test_small_files_pile_up_where_there_are_many_live_ones(group: FileGroup, piles_up: bool) -> None:
    assert group.piles_up is piles_up


def test_remedy_names_the_last_day_that_needs_it() -> None:
    assert count_files(EVENTS, listing(), LIVE).remedy.endswith("./run night --day 2019-10-01")
    assert count_files("quarantine", listing(), LIVE).remedy.endswith("the next night merges those of past days")
    assert count_files(EVENTS, listing(), frozenset()).remedy == ""


def test_table_without_days_has_one_group() -> None:
    table = count_files("customers", Listing([HdfsFile("a.parquet", 5, 1)], 1), frozenset({"a.parquet"}))
    assert (table.data, table.days) == (FileGroup(1, 5), {})


def test_an_unknown_table_gets_a_suggestion() -> None:
    assert chosen("") == TABLES
    with pytest.raises(StackError, match=r"'event' is not a table; did you mean 'events'"):
        chosen("event")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (200 * MB, "200.0 MB"), (3 * 2**40, "3.0 TB")]
)
def test_sizes_have_a_unit(size: int, text: str) -> None:
    assert format_size(size) == text


def test_unreachable_hdfs_is_reported_in_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(files, "DeltaTable", refuse)
    with pytest.raises(StackError, match=r"can't be listed: connection refused\. See \./run status namenode"):
        holdings(open_stack().settings)


@pytest.fixture
def on_hdfs(servers: Stack, tmp_path: Path) -> Iterator[Stack]:
    """A folder of the test's own with an events table: nine small files on one day, a live and a replaced one on the next."""
    stack = replace(servers, settings=replace(servers.settings, hdfs_root=f"/test_{uuid.uuid4().hex[:8]}"))
    table = tmp_path / EVENTS
    for n in range(9):
        write_deltalake(table, _rows("2019-10-01", n), mode="append", partition_by=["event_day"])
    for n in range(2):
        write_deltalake(table, _rows("2019-10-02", n), mode="overwrite", predicate="event_day = '2019-10-02'")
    client = InsecureClient(stack.settings.hdfs_http, user="cdp")
    client.makedirs(stack.settings.hdfs_root)
    client.upload(stack.settings.hdfs_root, str(table))
    yield stack
    client.delete(stack.settings.hdfs_root, recursive=True)


def _rows(day: str, number: int) -> pa.Table:
    return pa.table({"event_day": [day], "number": [number]})


@pytest.mark.stack("namenode", "datanode1", "datanode2")
def test_real_hdfs(on_hdfs: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(DeltaTable(table_url(on_hdfs.settings, EVENTS)).file_uris()) == 10
    arguments = Namespace(table=EVENTS, days=30, json=True)
    assert verbs._files(on_hdfs, arguments) == 0
    (result,) = json.loads(capsys.readouterr().out)["tables"]
    assert (result["files"], result["waiting"], result["log_files"]) == (10, 1, 11)
    assert (result["first_day"], result["last_day"]) == ("2019-10-01", "2019-10-02")
    # 22 files of a block each; the table's folder, two days and the log.
    assert result["objects"] == 22 + 22 + 4
    assert [(day["day"], day["files"], day["waiting"], day["piles_up"]) for day in result["days"]] == [
        ("2019-10-01", 9, 0, True),
        ("2019-10-02", 1, 1, False),
    ]
    verbs._files(on_hdfs, Namespace(table="", days=30, json=False))
    output = capsys.readouterr().out
    assert "not there yet: quarantine, customer_day" in output
    assert "events: small files pile up; " in output
    assert "./run night --day 2019-10-01" in output
    verbs._files(on_hdfs, Namespace(table=EVENTS, days=1, json=False))
    output = capsys.readouterr().out
    assert "2019-10-02" in output
    assert "2019-10-01 " not in output
