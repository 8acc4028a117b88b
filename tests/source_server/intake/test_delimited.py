"""Delimited files: values stay text, a fault costs one row, and line numbers stay right."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_server.intake import FileRefused, stream
from source_server.intake.delimited import Dialect, read_rows
from tests.source_server.intake.conftest import HEADER, ROW, load

BAD_PRICE = ROW.replace("9.50", "free")
FILE = Callable[..., Path]


def test_a_csv_of_the_shop_loads_as_it_is(file: FILE) -> None:
    result = load(file("2019-Oct.csv", HEADER, ROW))
    assert result.events == [dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | {"source": "2019-Oct"}]
    assert str(result.times[0]) == "2019-10-01 00:00:00+00:00"


def test_values_are_never_read_as_numbers(file: FILE) -> None:
    row = "2019-10-01 00:00:00 UTC,view,0012345678901234567,,,NA,00012.50,007,null"
    event = load(file("x.csv", HEADER, row)).events[0]
    assert (event["product_id"], event["price"], event["user_id"]) == ("0012345678901234567", "00012.50", "007")
    assert (event["brand"], event["user_session"]) == ("NA", "null")
    assert "category_id" not in event, "an empty value is no value"


def test_rows_that_the_contract_refuses_are_unchanged(file: FILE) -> None:
    result = load(file("x.csv", HEADER, ROW, BAD_PRICE, ",,,,,,,,"))
    assert result.events[1]["price"] == "free"
    assert result.events[2] == {"source": "x"}
    assert result.refused == {"bad_price": (1, [3]), "missing": (1, [4])}


def test_quotes_line_ends_blank_lines_and_marks(file: FILE) -> None:
    several = ROW.replace("apple", '"a ""b"", c\nd\n\ne"')
    path = file("x.csv", HEADER, "", several, "", BAD_PRICE, ROW, encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    result = load(path)
    assert result.events[0]["brand"] == 'a "b", c\nd\n\ne'
    assert result.events[0]["event_time"] == "2019-10-01 00:00:00 UTC"
    assert (result.account.read, result.refused) == (3, {"bad_price": (1, [8])})


def test_line_ends_of_windows(file: FILE) -> None:
    result = load(file("x.csv", HEADER, ROW, "", BAD_PRICE, ROW + ",more", end="\r\n"))
    assert b'"user_session":"s1"' in result.lines[0]
    assert result.refused == {"bad_price": (1, [4]), "not_json": (1, [5])}
    assert result.lines[2] == (ROW + ",more\n").encode()


def test_rows_of_another_length_are_kept_whole(file: FILE) -> None:
    result = load(file("x.csv", HEADER, ROW, ROW + ",more", ROW, "a,b", ROW))
    assert result.lines[1] == (ROW + ",more\n").encode()
    assert result.lines[3] == b"a,b\n"
    assert result.refused == {"not_json": (2, [3, 5])}
    assert result.account.refused["not_json"].detail == "the row has 10 values instead of 9"


def test_a_last_row_that_is_cut_off(file: FILE) -> None:
    path = file("x.csv", HEADER, ROW, ROW.replace("apple", '"a, b"'))
    path.write_bytes(path.read_bytes()[:-5])
    result = load(path)
    assert result.refused == {"not_json": (1, [3])}
    path.write_bytes(path.read_bytes()[:-9])
    result = load(path)
    assert result.account.refused["not_json"].detail == "a quote is opened but not closed"


def test_bytes_of_another_encoding_spoil_one_row(file: FILE) -> None:
    result = load(file("x.csv", HEADER, ROW, ROW.replace("apple", "müller").encode("latin-1"), ROW))
    assert result.refused == {"not_json": (1, [3])}
    assert b"m\xfcller" in result.lines[1]
    assert "not valid in the file's encoding" in result.account.refused["not_json"].detail


@pytest.mark.parametrize(
    ("value", "read"),
    [('5" disk', '5" disk'), ('"a"b', "ab"), ('a""b', 'a""b'), ('""', None), ('"a, b"', "a, b"), ('"5"" disk"', '5" disk')],
)
def test_quotes_in_unusual_places(value: str, read: str | None, file: FILE) -> None:
    result = load(file("x.csv", HEADER, ROW, ROW.replace("apple", value), ROW))
    assert [event.get("brand") for event in result.events] == ["apple", read, "apple"]
    assert result.account.events == 3


def test_a_stray_quote_costs_one_row_only(file: FILE) -> None:
    stray = ROW.replace("apple", '"apple')
    result = load(file("x.csv", HEADER, ROW, stray, *[ROW] * 300, stray.replace('"apple', '"x'), BAD_PRICE))
    assert result.refused == {"not_json": (2, [3, 304]), "bad_price": (1, [305])}
    assert result.account.events == 301


def test_quotes_can_be_switched_off(file: FILE) -> None:
    mapping = file("plain.toml", "[file]", 'quote = ""')
    result = load(file("x.csv", HEADER, ROW.replace("apple", '"apple')), str(mapping))
    assert result.events[0]["brand"] == '"apple'


VALUE = st.text(st.sampled_from('ab,"\n é'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(VALUE, min_size=3, max_size=3), min_size=1, max_size=30), st.integers(60, 400))
def test_what_python_writes_is_read_wherever_the_blocks_end(rows: list[list[str]], size: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    places = []
    for number, row in enumerate(rows):
        places.append(text.getvalue().count("\n") + 1)
        writer.writerow([f"r{number}", *row])
    data, number, rest, result, result_places = text.getvalue().encode(), 1, b"", [], []
    for start in range(0, len(data), size):
        part = rest + data[start : start + size]
        last = start + size >= len(data)
        whole = part.rfind(b"\n") + 1
        block, used = read_rows(part[:whole], last, number, Dialect(("n", "a", "b", "c"), ",", '"')) if whole else (None, 0)
        number, rest = number + part.count(b"\n", 0, used), part[used:]
        if block is not None and block.table is not None:
            assert not block.whole_lines.faults
            result += [[value or "" for value in row.values()] for row in block.table.to_pylist()]
            result_places += block.places.tolist()
    assert result == [[f"r{number}", *row] for number, row in enumerate(rows)]
    assert result_places == places


def refusal(path: Path, mapping: str | None = None) -> str:
    with pytest.raises(FileRefused) as refused:
        load(path, mapping)
    message = str(refused.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_another_delimiter_is_guessed(file: FILE) -> None:
    assert "the header has one column 'event_time;event_type" in refusal(file("x.csv", HEADER.replace(",", ";"), ROW))
    assert "is the delimiter ';'?" in refusal(file("y.csv", HEADER.replace(",", ";"), ROW))
    assert 'delimiter = "whitespace"' in refusal(file("z.csv", "event_time price", "1 2"))


def test_rows_of_another_delimiter_than_the_header(file: FILE) -> None:
    message = refusal(file("x.csv", HEADER, ROW.replace(",", ";")))
    assert "no row has the 9 values event_time," in message
    assert "line 2: the row has 1 value instead of 9" in message
    assert "is the delimiter ';'?" in message


def test_a_file_without_a_single_event(file: FILE) -> None:
    message = refusal(file("x.csv", HEADER, *[ROW.replace(" UTC", "")] * 20))
    assert "none of the first 20 rows, read by the contract's own names, is an event" in message
    assert "bad_time, like line 2: event_time: '2019-10-01 00:00:00' is not a time" in message


def test_columns_are_named(file: FILE) -> None:
    assert "has no column price; it has event_time," in refusal(file("a.csv", HEADER.replace("price", "prise"), ROW))
    assert "column qty is not a field of an event; load it with a mapping" in refusal(file("b.csv", HEADER + ",qty", ROW + ",1"))
    assert "has a column twice" in refusal(file("c.csv", HEADER + ",brand", ROW + ",b"))
    assert "is empty" in refusal(file("d.csv"))


def test_a_line_without_end(file: FILE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(stream, "MAX_LINE_BYTES", 5000)
    assert "line 3 is longer than 5,000 bytes" in refusal(file("x.csv", HEADER, ROW, "x" * 9000))


@pytest.mark.parametrize("size", [200, 1000, 10_000])
def test_the_size_of_the_blocks_changes_nothing(size: int, file: FILE, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ROW.replace("apple", f'"a{number}\nb"') if number % 3 else ROW + (",x" if number % 2 else "") for number in range(60)]
    path = file("x.csv", HEADER, *rows)
    whole = load(path)
    monkeypatch.setattr(stream, "BLOCK_BYTES", size)
    parts = load(path)
    assert (parts.lines, parts.refused) == (whole.lines, whole.refused)
