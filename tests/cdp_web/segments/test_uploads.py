"""Reading uploads needs no server."""

from __future__ import annotations

import io
from typing import Any

import pytest

from cdp_web.layout.spreadsheets import escape_formula, unescape_formula
from cdp_web.segments import uploads
from cdp_web.segments.uploads import (
    Upload,
    UploadInvalid,
    UploadTooLarge,
    read_items,
    read_stream,
    read_text,
)


def read(content: bytes, *, is_table: bool = False) -> Upload:
    upload = read_stream(io.BytesIO(content), is_table=is_table)
    return Upload(list(upload.rows), upload.column)


def list_ids(upload: Upload) -> list[str]:
    return [row.customer_id for row in upload.rows if not row.problem]


@pytest.mark.parametrize(
    "content",
    [
        b"1\n22\n333", b"1\r\n22\r\n333\r\n", b"1\r22\r333", b"\xef\xbb\xbf1\n22\n333\n", b"1,22,333", b"1\t22\n333",
        b" 1 , 22,,\n\n333", b"\n\n1\n22\n333", b'"1"\n22\n333',
    ],
)  # fmt: skip
def test_ids_without_a_heading(content: bytes) -> None:
    upload = read(content)
    assert (list_ids(upload), upload.column) == (["1", "22", "333"], "")


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"customer_id\n1\n22\n", "customer_id"),
        (b"name,User_ID\nAnn,1\nBob,22\n", "user_id"),
        (b"id;name\n1;Ann\n22;Bob\n", "id"),
        (b"id\tcustomer_id\n9\t1\n9\t22\n", "customer_id"),
        (b'note,id\n"two\nlines, and a comma",1\nshort,22\n', "id"),
        (b"\xef\xbb\xbfid,name\n1,Ann\n22,Bob\n", "id"),
    ],
)
@pytest.mark.parametrize("is_table", [False, True])
def test_a_heading_names_the_column(content: bytes, column: str, is_table: bool) -> None:
    upload = read(content, is_table=is_table)
    assert (list_ids(upload), upload.column) == (["1", "22"], column)


@pytest.mark.parametrize(
    ("content", "ids", "column"),
    [
        (b"guest,name\nc1,Ann\nc2,Bob\n", ["c1", "c2"], "guest"),
        (b"1,Ann\n2,Bob\n", ["1", "2"], ""),
        (b"c1\nc2\n", ["c1", "c2"], ""),
    ],
)
def test_without_a_heading_that_is_an_id_the_first_column_of_a_table_counts(content: bytes, ids: list[str], column: str) -> None:
    upload = read(content, is_table=True)
    assert (list_ids(upload), upload.column) == (ids, column)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"1\n\xff\xfe\n", 2),
        ("1\n".encode("utf-16"), 1),
        (b'1\n2\n"3\n4\n', 3),
        (b'id,name\n1,"Ann"x\n', 2),
    ],
)
def test_an_unreadable_line_is_named(content: bytes, line: int) -> None:
    with pytest.raises(UploadInvalid, match=f"Line {line} ") as raised:
        read(content)
    assert raised.value.line == line


@pytest.mark.parametrize("bad", ["x" * 501, "a\x00b", "a\x1bb", "a\u2028b", "a\x85b"])
def test_an_id_that_cannot_be_stored_is_refused(bad: str) -> None:
    rows = read(f"id,name\n1,Ann\n{bad},Bob\n".encode()).rows
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, False), (3, True)]


def test_a_row_without_an_id_is_refused() -> None:
    assert [(row.line, row.problem) for row in read(b"name,id\nAnn,\nBob\n\n,\n").rows] == [(2, "has no id"), (3, "has no id")]


def test_the_longest_id_is_accepted() -> None:
    assert list_ids(read(b"x" * 500)) == ["x" * 500]


def test_an_upload_over_the_limits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 30)
    assert len(list_ids(read(b"12345678\n" * 3))) == 3
    with pytest.raises(UploadTooLarge):
        read(b"12345678\n" * 4)
    monkeypatch.setattr(uploads, "MAX_LINE_BYTES", 10)
    with pytest.raises(UploadInvalid, match="Line 2 is longer"):
        read(b"1\n" + b"2" * 11)


@pytest.mark.parametrize(
    ("form", "is_table"), [("1\n{}", False), ("1,{}", False), ("1\t{}", False), ("id,n\n{}\n1", True), ("\n\n{}", False)]
)
def test_an_upload_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch, form: str, is_table: bool) -> None:
    monkeypatch.setattr(uploads, "MAX_ROWS", 3)
    content = form.format("1").encode()
    read(content, is_table=is_table)
    with pytest.raises(UploadInvalid, match="more than 3 rows"):
        read(content + b"\n2,2" * 3, is_table=is_table)


def test_only_one_line_is_in_memory() -> None:
    class Endless:
        lines = 0

        def readline(self, size: int) -> bytes:
            self.lines += 1
            return b"%d\n" % self.lines

    stream = Endless()
    rows = iter(read_stream(stream).rows)
    assert [next(rows).customer_id for _ in range(3)] == ["1", "2", "3"]
    assert stream.lines <= 4


def test_pasted_text() -> None:
    assert list_ids(Upload(list(read_text("1\r\n2, ünï\t4").rows))) == ["1", "2", "ünï", "4"]


def test_items_are_taken_as_they_are() -> None:
    rows = list(read_items(["1", 22, " 3 ", "a,b", "'=x", "\ud800", ""]).rows)
    assert [row.customer_id for row in rows if not row.problem] == ["1", "22", "3", "a,b", "'=x"]
    assert [row.line for row in rows if row.problem] == [6, 7]


@pytest.mark.parametrize("item", [None, True, 1.5, ["1"], {"id": 1}])
def test_an_item_that_is_no_id_is_named(item: Any) -> None:
    with pytest.raises(UploadInvalid, match="Item 2 "):
        list(read_items(["1", item]).rows)


@pytest.mark.parametrize("text", ["=1+1", "-5", "+x", "@y"])
def test_a_formula_is_no_formula_in_a_file_and_comes_back(text: str) -> None:
    assert escape_formula(text)[0] == "'"
    assert unescape_formula(escape_formula(text)) == text
    assert list_ids(read(f"customer_id\n{escape_formula(text)}\n".encode())) == [text]
    assert unescape_formula("'plain") == "'plain"
