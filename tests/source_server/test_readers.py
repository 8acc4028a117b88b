"""Every kind of file: what comes in, what is refused and how that is said."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from source_server.columns import lines_of
from source_server.readers import FileRefused, batches, name_of

HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
ROW = "2019-10-01 00:00:00 UTC,view,1,2053013552259662037,electronics.smartphone,apple,9.50,u1,s1"


def events(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for batch in batches(path) for line in lines_of(batch)]


def csv_file(tmp_path: Path, *lines: str, name: str = "shop.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def parquet_file(tmp_path: Path, **columns: Any) -> Path:
    good = {"event_time": ["t"], "event_type": ["view"], "product_id": ["1"], "price": ["1"], "user_id": ["u"]}
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table(good | columns), path)
    return path


def test_csv_of_the_shop_loads_as_it_is(tmp_path: Path) -> None:
    found = events(csv_file(tmp_path, HEADER, ROW, ",,,,,,,,"))
    assert found == [dict(zip(HEADER.split(","), ROW.split(","), strict=True)), {}]


def test_csv_values_are_never_taken_for_numbers(tmp_path: Path) -> None:
    row = "2019-10-01 00:00:00 UTC,true,0012345678901234567,,,NA,1e400,007,null"
    found = events(csv_file(tmp_path, HEADER, row))[0]
    assert (found["product_id"], found["price"], found["user_id"]) == ("0012345678901234567", "1e400", "007")
    assert (found["event_type"], found["brand"], found["user_session"]) == ("true", "NA", "null")


def test_csv_quotes_line_ends_and_byte_order_marks(tmp_path: Path) -> None:
    row = ROW.replace("apple", '"a ""b"", c\nd"')
    found = events(csv_file(tmp_path, HEADER, row, encoding="utf-8-sig"))
    assert found[0]["brand"] == 'a "b", c\nd'
    assert found[0]["event_time"] == "2019-10-01 00:00:00 UTC"


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_compressed_or_not(ending: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, *[ROW] * 50_000, name="plain")
    packed = path.with_name(f"shop.csv{ending}")
    compression = {"": None, ".gz": "gzip", ".zst": "zstd"}[ending]
    with pa.output_stream(str(packed), compression=compression) as stream:
        stream.write(path.read_bytes())
    assert sum(batch.num_rows for batch in batches(packed)) == 50_000
    assert name_of(packed) == "shop"


def test_gzip_of_several_parts_is_read_to_its_end(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes it."""
    path = tmp_path / "shop.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"user_id":"a"}\n') + gzip.compress(b'{"user_id":"b"}\n'))
    assert events(path) == [{"user_id": "a"}, {"user_id": "b"}]


def test_parquet_of_other_types_becomes_text(tmp_path: Path) -> None:
    noon = datetime(2019, 10, 1, 12, tzinfo=UTC)
    found = events(
        parquet_file(
            tmp_path,
            event_time=pa.array([noon], pa.timestamp("us", "Europe/Paris")),
            product_id=pa.array([1234567890123456789], pa.int64()),
            price=pa.array([Decimal("9.50")], pa.decimal128(12, 2)),
            quantity=pa.array([2.0]),
            brand=pa.array(["apple"]).dictionary_encode(),
            category_code=pa.nulls(1),
        )
    )[0]
    assert found["event_time"] == "2019-10-01T12:00:00.000000Z"
    assert (found["product_id"], found["price"], found["brand"]) == ("1234567890123456789", "9.50", "apple")
    assert "category_code" not in found


def test_ndjson_keeps_lines_that_are_no_event(ndjson: Callable[..., Path]) -> None:
    path = ndjson("shop.jsonl", {}, b'{"cut', {"colour": "red"}, b"")
    lines = [line for batch in batches(path) for line in lines_of(batch)]
    assert lines[1] == b'{"cut'
    assert orjson.loads(lines[2])["colour"] == "red"
    assert len(lines) == 3, "a blank line is no row"


def refusal(path: Path) -> str:
    with pytest.raises(FileRefused) as refused:
        list(batches(path))
    message = str(refused.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "shop.csv").endswith("shop.csv is not a file.")


@pytest.mark.parametrize("name", ["shop.xlsx", "shop", "shop.gz", "shop.parquet.gz", "shop.csv.zip"])
def test_a_kind_that_is_not_read(name: str, tmp_path: Path) -> None:
    assert "files end in .parquet, .csv, .ndjson, .jsonl; all but parquet also with .gz or .zst" in refusal(tmp_path / name)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    message = refusal(csv_file(tmp_path, HEADER.replace("price", "prise"), ROW))
    assert message.startswith("shop.csv: has no column price; it has event_time,")


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    message = refusal(csv_file(tmp_path, HEADER + ",qty", ROW + ",1"))
    assert "column qty is no field of an event; take it out or name it one of event_time," in message


def test_a_column_twice(tmp_path: Path) -> None:
    assert "has a column twice" in refusal(csv_file(tmp_path, HEADER + ",brand", ROW + ",b"))


def test_a_csv_row_of_another_length_is_located(tmp_path: Path) -> None:
    assert "Row #3: Expected 9 columns, got 10" in refusal(csv_file(tmp_path, HEADER, ROW, ROW + ",more"))


def test_a_csv_in_another_encoding(tmp_path: Path) -> None:
    assert "invalid UTF8 data" in refusal(csv_file(tmp_path, HEADER, ROW.replace("apple", "müller"), encoding="latin-1"))


def test_an_empty_csv(tmp_path: Path) -> None:
    assert "Empty CSV file" in refusal(csv_file(tmp_path))


@pytest.mark.parametrize("name", ["shop.parquet", "shop.csv.gz", "shop.ndjson.zst"])
def test_a_file_that_is_not_what_its_name_says(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("no such thing\n" * 100)
    assert f"{name} can't be read: " in refusal(path)


def test_a_compressed_file_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "shop.ndjson.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"user_id":"%d"}\n' % n for n in range(100_000)))[:-1000])
    assert "can't be read" in refusal(path)


def test_parquet_times_without_a_zone(tmp_path: Path) -> None:
    path = parquet_file(tmp_path, event_time=pa.array([datetime(2019, 10, 1)], pa.timestamp("us")))  # noqa: DTZ001
    assert "column event_time holds times without a zone; store them as timestamps in UTC" in refusal(path)


def test_a_parquet_type_that_has_no_text(tmp_path: Path) -> None:
    assert "column brand is of type list" in refusal(parquet_file(tmp_path, brand=pa.array([["a"]])))


def test_ndjson_of_something_else(ndjson: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(b'{"level":"info"}\n{"level":"warn"}\n')
    assert "no line is an event: a JSON object with event_time, event_type, product_id, price, user_id" in refusal(path)
