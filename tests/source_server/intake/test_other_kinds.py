"""JSON lines, parquet and compressed files: what is loaded, what stays unchanged, and which files are refused."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp.events.examples import INVALID, VALID, message
from source_server.intake import derive_name
from tests.source_server.intake.conftest import HEADER, ROW, load
from tests.source_server.intake.test_delimited import refusal

FILE = Callable[..., Path]
EVENT = json.dumps(dict(zip(HEADER.split(","), ROW.split(","), strict=True)), separators=(",", ":"))


def test_lines_stay_unchanged_and_get_a_source(file: FILE) -> None:
    lines = [
        EVENT,
        '{ "price" : 12.50 , "user_id":7, "product_id":12345678901234567890123 } ',
        '{"source":"till"}',
        '{"a":{"b":1}}',
        '{"brand":"a[b{c"}',
        "{}",
        '{"cut',
        "[1]",
    ]
    result = load(file("shop.jsonl", *lines))
    assert [line.decode() for line in result.lines] == [
        EVENT[:-1] + ',"source":"shop"}\n',
        '{ "price" : 12.50 , "user_id":7, "product_id":12345678901234567890123 ,"source":"shop"}\n',
        '{"source":"till"}\n',
        '{"a":{"b":1}}\n',
        '{"brand":"a[b{c","source":"shop"}\n',
        '{"source":"shop"}\n',
        '{"cut\n',
        "[1]\n",
    ]
    assert result.refused == {"not_json": (2, [7, 8]), "missing": (5, [2, 3, 4, 5, 6])}


def test_bytes_blank_lines_and_line_ends(file: FILE) -> None:
    result = load(file("shop.ndjson", EVENT, "", b'{"brand":"\xff"}', "  ", EVENT, "broken", end="\r\n"))
    assert result.lines[1] == b'{"brand":"\xff"}\n'
    assert (result.account.events, result.refused) == (2, {"not_json": (2, [3, 6])})


def test_the_examples_of_the_contract_as_a_file(file: FILE) -> None:
    contents = [content for name, content in VALID.items() if "white space around" not in name and "ahead" not in name]
    bad = {name: case for name, case in INVALID.items() if message(case.content).strip() and "ahead" not in name}
    result = load(file("x.ndjson", *map(message, contents), *(message(case.content) for case in bad.values())))
    assert result.account.events == len(contents)
    for reason in {case.reason for case in bad.values()}:
        assert result.account.refused[reason].count == sum(case.reason == reason for case in bad.values())


def test_lines_of_something_else(file: FILE) -> None:
    message = refusal(file("log.ndjson", '{"level":"info"}', '{"level":"warn"}'))
    assert (
        "no line is an event: a JSON object with event_time, event_type, product_id, price, user_id; its lines have level"
        in message
    )


def test_mapped_lines_with_nested_keys_and_numbers(file: FILE) -> None:
    mapping = file(
        "m.toml", "[constants]", 'event_type = "cart"', "[fields]", 'event_time = { column = "at", format = "epoch_ms" }',
        'user_id = "customer.id"', 'product_id = "sku"', 'price = "amount"',
    )  # fmt: skip
    lines = [
        '{"at":1569888000000,"customer":{"id":"u1"},"sku":"0001","amount":12345678.90}',
        '{"at":1569888000250,"customer":{"id":12345678901234567890},"sku":"é\\"\\n","amount":1}',
        '{"at":',
        '{"at":1,"customer":{},"sku":"1","amount":NaN}',
    ]
    result = load(file("x.ndjson", *lines), str(mapping))
    assert json.loads(result.lines[0]) == {
        "event_time": "2019-10-01 00:00:00 UTC", "event_type": "cart", "product_id": "0001",
        "price": "12345678.9", "user_id": "u1", "source": "x",
    }  # fmt: skip
    assert json.loads(result.lines[1])["event_time"] == "2019-10-01T00:00:00.250000Z"
    assert json.loads(result.lines[1])["user_id"] == "12345678901234567890"
    assert result.refused == {"not_json": (2, [3, 4])}
    assert result.lines[2] == b'{"at":\n'


def parquet_file(tmp_path: Path, **columns: Any) -> Path:
    good = {
        "event_time": ["2019-10-01 00:00:00 UTC"],
        "event_type": ["view"],
        "product_id": ["1"],
        "price": ["1"],
        "user_id": ["u"],
    }
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table(good | columns), path)
    return path


def test_parquet_of_other_types_becomes_text(tmp_path: Path) -> None:
    path = parquet_file(
        tmp_path,
        event_time=pa.array([datetime(2019, 10, 1, 12, tzinfo=UTC)], pa.timestamp("us", "Europe/Paris")),
        product_id=pa.array([1234567890123456789], pa.int64()),
        price=pa.array([Decimal("9.50")], pa.decimal128(12, 2)),
        quantity=pa.array([2.0]),
        brand=pa.array(['a"b']).dictionary_encode(),
        category_code=pa.nulls(1),
    )
    result = load(path)
    assert result.events[0]["event_time"] == "2019-10-01T12:00:00.000000Z"
    assert result.times[0] == datetime(2019, 10, 1, 12, tzinfo=UTC)
    event = result.events[0]
    assert (event["product_id"], event["price"], event["brand"]) == ("1234567890123456789", "9.50", 'a"b')
    assert "category_code" not in event
    assert result.account.events == 1


def test_parquet_keeps_whole_lines_in_their_places(tmp_path: Path) -> None:
    path = parquet_file(
        tmp_path,
        event_time=["2019-10-01 00:00:00 UTC", None, "2019-10-01 00:00:01 UTC", None],
        event_type=["view", None, "view", None],
        product_id=["1", None, "2", None],
        price=["1", None, "x", None],
        user_id=["u", None, "u", None],
        payload=[None, b'{"cut\noff', None, EVENT.encode()],
    )
    result = load(path)
    assert result.lines[1] == b'{"cut off\n'
    assert result.lines[3] == EVENT.encode() + b"\n"
    assert result.refused == {"not_json": (1, [2]), "bad_price": (1, [3])}
    assert "row 2" in str(result.account)


def test_parquet_times_without_a_zone_need_a_mapping(tmp_path: Path, file: FILE) -> None:
    path = parquet_file(tmp_path, event_time=pa.array([datetime(2019, 10, 1)], pa.timestamp("us")))  # noqa: DTZ001
    assert "column event_time holds times without a zone; store them in UTC" in refusal(path)
    mapping = file("m.toml", "[fields]", 'event_time = { column = "event_time", zone = "Europe/Paris" }')
    assert load(path, str(mapping)).events[0]["event_time"] == "2019-09-30 22:00:00 UTC"


def test_a_parquet_type_that_has_no_text(tmp_path: Path) -> None:
    assert "column brand is of type list" in refusal(parquet_file(tmp_path, brand=pa.array([["a"]])))


def packed(path: Path) -> list[Path]:
    paths = [path, *(path.with_name(path.name + ending) for ending in (".gz", ".zst", ".zip"))]
    for other, compression in zip(paths[1:3], ("gzip", "zstd"), strict=True):
        with pa.output_stream(str(other), compression=compression) as stream:
            stream.write(path.read_bytes())
    with zipfile.ZipFile(paths[3], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    return paths


@pytest.mark.parametrize(("name", "lines"), [("2019-Oct.csv", [HEADER, *[ROW] * 500]), ("shop.jsonl", [EVENT] * 500)])
def test_packed_or_not(name: str, lines: list[str], file: FILE) -> None:
    for path in packed(file(name, *lines)):
        result = load(path)
        assert derive_name(path) == name.split(".")[0]
        assert result.account.events == 500
        assert result.fractions[-1] == 1.0


@pytest.mark.parametrize("ending", [".gz", ".zst", ".zip"])
def test_a_packed_file_that_is_cut(ending: str, file: FILE) -> None:
    lines = [ROW.replace("u1", f"u{number * 7919 % 100_003}") for number in range(20_000)]
    path = next(path for path in packed(file("x.csv", HEADER, *lines)) if path.suffix == ending)
    path.write_bytes(path.read_bytes()[:-2000])
    message = refusal(path)
    assert "copy" in message
    assert ending == ".zip" or "can't be read after line" in message


def test_gzip_of_several_parts_is_read_to_its_end(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes it."""
    path = tmp_path / "shop.ndjson.gz"
    path.write_bytes(gzip.compress(EVENT.encode() + b"\n") * 2)
    assert load(path).account.events == 2


def test_a_zip_of_two(tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    assert "must contain exactly one file but contains a.csv, b.csv" in refusal(path)


def test_a_zip_is_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/a.ndjson", EVENT)
    assert load(path).account.events == 1
    assert derive_name(path) == "both"


@pytest.mark.parametrize("name", ["shop.xlsx", "shop", "shop.parquet.gz"])
def test_a_kind_that_is_not_read(name: str, file: FILE) -> None:
    assert "files end in .csv, .tsv, .txt, .ndjson, .jsonl, .parquet; all but parquet also with .gz" in refusal(file(name, "x"))


@pytest.mark.parametrize("name", ["shop.parquet", "shop.csv.gz", "shop.ndjson.zst", "shop.csv.zip"])
def test_a_file_of_another_kind_than_its_name(name: str, file: FILE) -> None:
    refusal(file(name, *["no such thing"] * 100))


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "shop.csv").endswith("shop.csv is not a file.")
