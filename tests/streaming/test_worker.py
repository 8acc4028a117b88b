"""A task's files and counts, without Spark: rows by day, statistics, memory, and that Spark's own worker would get the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp.events.examples import message
from cdp.events.reading import EVENTS_SCHEMA, MESSAGES_SCHEMA
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, LakeTable
from cdp.settings import REPOSITORY
from streaming.events.account import Group
from streaming.events.worker import BatchTask, make_result
from streaming.files import NewFile, TableFolder, make_statistics, split_days
from tests.spark_session import utc

NOON = datetime(2019, 10, 2, 12, 0, 0, 5, UTC)
HOUR = utc(2019, 10, 2, 12)


def make_batch(*values: bytes | dict[str, str] | None, first_offset: int = 0) -> pa.RecordBatch:
    rows = [
        (None if value is None else message(value), "raw", place % 2, first_offset + place, NOON)
        for place, value in enumerate(values)
    ]
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), MESSAGES_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=MESSAGES_SCHEMA)


def make_task(folder: Path, *tables: LakeTable, most_bytes: int = 2**30) -> BatchTask:
    return BatchTask([TableFolder(table, f"file:{folder}/{table.name}", 1) for table in tables], "USD", most_bytes)


def read_file(folder: Path, file: NewFile) -> pa.Table:
    return pq.read_table(folder / file.table / file.path, partitioning=None)


def on(day: int, **fields: str) -> dict[str, str]:
    return {"event_time": f"2019-10-{day:02} 08:00:00 UTC", **fields}


def test_a_task_writes_a_file_per_table_and_day_and_counts_what_it_wrote(tmp_path: Path) -> None:
    batches = [make_batch(on(2), b"x", on(1), None), make_batch(on(2, price="-1"), on(2, user_id="é"), first_offset=4)]
    files, groups = make_task(tmp_path, QUARANTINE_TABLE, EVENTS_TABLE).run(batches)
    assert [(file.table, file.day, file.rows) for file in files] == [
        ("quarantine", "2019-10-02", 3), ("events", "2019-10-01", 1), ("events", "2019-10-02", 2)
    ]  # fmt: skip
    refused, first, second = (read_file(tmp_path, file) for file in files)
    assert refused["kafka_offset"].to_pylist() == [1, 3, 4]
    assert refused["payload"].to_pylist() == [b"x", None, message(on(2, price="-1"))]
    assert (first["kafka_offset"].to_pylist(), second["kafka_offset"].to_pylist()) == ([2], [0, 5])
    assert second["user_id"].to_pylist()[1] == "é"
    expected = [
        Group("raw", HOUR, 0, None, "0", 1, 0, 0),
        Group("raw", HOUR, 0, None, "1", 1, 2, 2),
        Group("raw", HOUR, 1, None, "0", 1, 5, 5),
        Group("raw", HOUR, 1, "not_json", None, 2, 1, 3),
        Group("raw", HOUR, 0, "bad_price", None, 1, 4, 4),
    ]
    assert sorted(groups, key=str) == sorted(expected, key=str)


def test_the_file_has_the_columns_of_the_table_and_instants_as_whole_numbers(tmp_path: Path) -> None:
    for table, value in ((EVENTS_TABLE, on(2, price="1.5")), (QUARANTINE_TABLE, b"x")):
        (file,), _ = make_task(tmp_path, table).run([make_batch(value)])
        path = tmp_path / file.table / file.path
        assert (path.parent.name, path.stat().st_size) == (f"{table.partition}={file.day}", file.size)
        assert [*pq.read_schema(path).names] == [name for name in table.column_names if name != table.partition]
    columns = {column.name: column for column in pq.ParquetFile(tmp_path / "events" / files_of(tmp_path)[0]).schema}
    kinds = {name: columns[name].physical_type for name in ("event_time", "received_at", "price", "revenue")}
    assert kinds == {"event_time": "INT64", "received_at": "INT64", "price": "INT64", "revenue": "INT64"}
    assert json.loads(columns["event_time"].logical_type.to_json())["isAdjustedToUTC"] is True


def files_of(folder: Path) -> list[Path]:
    return [path.relative_to(folder / "events") for path in (folder / "events").rglob("*.parquet")]


def test_rows_of_a_table_without_a_folder_are_counted_and_not_written(tmp_path: Path) -> None:
    files, groups = make_task(tmp_path, EVENTS_TABLE).run([make_batch(on(2), b"x")])
    assert [file.table for file in files] == ["events"]
    assert {(group.reason, group.late) for group in groups} == {(None, "0"), ("not_json", None)}
    assert not (tmp_path / "quarantine").exists()


def test_a_task_without_messages_writes_nothing(tmp_path: Path) -> None:
    task = make_task(tmp_path, EVENTS_TABLE, QUARANTINE_TABLE)
    assert task.run([]) == ([], [])
    assert task.run([make_batch(b"x").slice(0, 0)]) == ([], [])
    assert not any(tmp_path.iterdir())


def test_rows_that_would_take_too_much_memory_are_written_before_more_are_read(tmp_path: Path) -> None:
    read: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for place in range(4):
            read.append(len(files_of(tmp_path)))
            yield make_batch(*[on(2)] * 10, first_offset=10 * place)

    one_batch = make_task(tmp_path, EVENTS_TABLE, most_bytes=1)
    files, groups = one_batch.run(batches())
    assert (read, [file.rows for file in files]) == ([0, 1, 2, 3], [10] * 4)
    assert sum(group.count for group in groups) == 40


def test_two_attempts_of_a_task_write_files_of_different_names(tmp_path: Path) -> None:
    task = make_task(tmp_path, EVENTS_TABLE)
    paths = [file.path for _ in range(2) for file in task.run([make_batch(on(2))])[0]]
    assert len({*paths}) == len(files_of(tmp_path)) == 2


def test_days_come_in_order_and_keep_the_order_of_their_rows() -> None:
    days = [date(2019, 10, day) for day in (3, 1, 3, 1)]
    rows = pa.table({"day": pa.array(days), "place": [0, 1, 2, 3]})
    assert [(day, part["place"].to_pylist()) for day, part in split_days(rows, "day")] == [
        ("2019-10-01", [1, 3]), ("2019-10-03", [0, 2])
    ]  # fmt: skip
    assert list(split_days(rows.slice(0, 0), "day")) == []
    assert [day for day, _ in split_days(pa.table({"day": pa.array([date(1969, 12, 31)])}), "day")] == ["1969-12-31"]


def test_statistics_hold_every_instant_although_they_have_milliseconds() -> None:
    times = [datetime(2019, 10, 1, 0, 0, 0, micros, UTC) for micros in (1_001, 2_001)]
    statistics = json.loads(make_statistics(pa.table({"t": pa.array(times, pa.timestamp("us", "UTC"))}), ["t"]))
    assert statistics == {
        "numRecords": 2,
        "minValues": {"t": "2019-10-01T00:00:00.001Z"},
        "maxValues": {"t": "2019-10-01T00:00:00.003Z"},
        "nullCount": {"t": 0},
    }


def test_the_result_crosses_arrow_and_is_one_row(tmp_path: Path) -> None:
    task = make_task(tmp_path, EVENTS_TABLE)
    (result,) = make_result(*task.run([make_batch(on(2))])).to_pylist()
    assert [NewFile(**file).rows for file in result["files"]] == [1]
    assert [Group(**group) for group in result["groups"]] == [Group("raw", HOUR, 0, None, "0", 1, 0, 0)]


@pytest.mark.subprocess
def test_a_new_worker_imports_neither_spark_nor_deltalake(tmp_path: Path) -> None:
    code = """
import sys
from streaming.events.worker import BatchTask
list(BatchTask([], "USD", 1)([]))
print(sorted({"pyspark", "deltalake", "psycopg2", "numpy"} & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['numpy']"


def test_amounts_keep_their_digits(tmp_path: Path) -> None:
    (file,), _ = make_task(tmp_path, EVENTS_TABLE).run(
        [make_batch(on(2, event_type="purchase", price="9999999999.99", quantity="9"))]
    )
    rows = read_file(tmp_path, file)
    assert rows.schema.field("revenue").type == EVENTS_SCHEMA.field("revenue").type
    assert (rows["price"][0].as_py(), rows["revenue"][0].as_py()) == (Decimal("9999999999.99"), Decimal("89999999999.91"))
