"""./run files: the arithmetic without a server, and the whole on a real HDFS."""

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

from cdp.paths import EVENTS, TABLES, table_url
from infra.stack import files, verbs
from infra.stack.files import File, Group, Listing, chosen, holding, holdings, size_text
from infra.stack.stack import Stack, StackError, open_stack

MB = 2**20
DAY = "event_day=2019-10-01"


def listing() -> Listing:
    """Ten files of 1 MB on the first day, one of 200 MB on the second with an old one beside it, and two of the log."""
    first = [File(f"{DAY}/{n}.parquet", MB, 1) for n in range(10)]
    second = [File(f"event_day=2019-10-02/{name}.parquet", 200 * MB, 2) for name in ("new", "old")]
    log = [File(f"_delta_log/{n}.json", 1000, 1) for n in range(2)]
    return Listing([*first, *second, *log], directories=4)


LIVE = frozenset({file.path for file in listing().files} - {"event_day=2019-10-02/old.parquet"})


def test_files_that_the_log_does_not_name_wait_for_the_vacuum() -> None:
    held = holding(EVENTS, listing(), LIVE)
    assert held.data == Group(files=11, size=210 * MB, waiting=1, waiting_size=200 * MB)
    assert held.days == {"2019-10-01": Group(10, 10 * MB), "2019-10-02": Group(1, 200 * MB, 1, 200 * MB)}
    assert (held.log_files, held.log_size) == (2, 2000)


def test_objects_of_the_namenode_are_files_blocks_and_directories() -> None:
    assert holding(EVENTS, listing(), LIVE).objects == 14 + (10 + 2 + 2 + 2) + 4


@pytest.mark.parametrize(
    ("group", "piles_up"),
    [
        (Group(9, 9 * MB), True),
        (Group(8, 8 * MB), False),
        (Group(9, 9 * 16 * MB), False),
        (Group(0, 0, 100, MB), False),
    ],
)
def test_small_files_pile_up_where_there_are_many_live_ones(group: Group, piles_up: bool) -> None:
    assert group.piles_up is piles_up


def test_remedy_names_the_last_day_that_needs_it() -> None:
    assert holding(EVENTS, listing(), LIVE).remedy.endswith("./run night --day 2019-10-01")
    assert holding("quarantine", listing(), LIVE).remedy.endswith("the next night gathers those of days that are over")
    assert holding(EVENTS, listing(), frozenset()).remedy == ""


def test_table_without_days_has_one_group() -> None:
    held = holding("customers", Listing([File("a.parquet", 5, 1)], 1), frozenset({"a.parquet"}))
    assert (held.data, held.days) == (Group(1, 5), {})


def test_table_that_is_none_is_named_with_the_one_that_was_meant() -> None:
    assert chosen("") == TABLES
    with pytest.raises(StackError, match=r"'event' is not a table\.\s.*events"):
        chosen("event")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (200 * MB, "200.0 MB"), (3 * 2**40, "3.0 TB")]
)
def test_sizes_as_people_say_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_hdfs_that_is_away_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(files, "DeltaTable", refused)
    with pytest.raises(StackError, match=r"can't be listed: connection refused\. See \./run status namenode"):
        holdings(open_stack().settings)


@pytest.fixture
def on_hdfs(servers: Stack, tmp_path: Path) -> Iterator[Stack]:
    """A folder of its own with the table of events: nine small files on one day, one on the next, and one that was replaced."""
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
    asked = Namespace(table=EVENTS, days=30, json=True)
    assert verbs._files(on_hdfs, asked) == 0
    (told,) = json.loads(capsys.readouterr().out)["tables"]
    assert (told["files"], told["waiting"], told["log_files"]) == (10, 1, 11)
    assert (told["first_day"], told["last_day"]) == ("2019-10-01", "2019-10-02")
    # 22 files of a block each; the table's folder, two days and the log.
    assert told["objects"] == 22 + 22 + 4
    assert [(day["day"], day["files"], day["waiting"], day["piles_up"]) for day in told["days"]] == [
        ("2019-10-01", 9, 0, True),
        ("2019-10-02", 1, 1, False),
    ]
    verbs._files(on_hdfs, Namespace(table="", days=30, json=False))
    said = capsys.readouterr().out
    assert "not there yet: quarantine, customer_day" in said
    assert "events: small files pile up; a night compacts the days up to its own: ./run night --day 2019-10-01" in said
    verbs._files(on_hdfs, Namespace(table=EVENTS, days=1, json=False))
    said = capsys.readouterr().out
    assert "2019-10-02" in said
    assert "2019-10-01 " not in said
