"""Lines of NDJSON: fields as text, anything else as it came, nothing lost."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_server import ndjson
from source_server.columns import FIELD_NAMES, lines_of
from source_server.ndjson import batch_of_lines, lines_of_stream, names_a_field, row_of_line

VALUES = st.none() | st.text(max_size=20)


@given(st.lists(st.dictionaries(st.sampled_from(FIELD_NAMES), VALUES), max_size=20))
def test_events_come_out_as_they_went_in(rows: list[dict[str, str | None]]) -> None:
    """But for their nulls, which say nothing."""
    lines = lines_of(batch_of_lines([orjson.dumps(row) for row in rows]))
    assert [orjson.loads(line) for line in lines] == [{k: v for k, v in row.items() if v is not None} for row in rows]


@given(st.lists(st.binary(min_size=1, max_size=60).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))))
def test_lines_that_are_no_event_come_out_byte_by_byte(lines: list[bytes]) -> None:
    kept = [line for line in lines if row_of_line(line) is None]
    assert lines_of(batch_of_lines(kept)) == kept


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b'{"price":12.50}', {"price": "12.50"}),
        (b'{"price":1e3,"quantity":2}', {"price": "1e3", "quantity": "2"}),
        (b'{"product_id":12345678901234567890123}', {"product_id": "12345678901234567890123"}),
        (b'{"brand":""}', {"brand": ""}),
        (b'{"brand":null}', {"brand": None}),
        (b"{}", {}),
    ],
)
def test_values_stay_the_text_of_the_file(line: bytes, row: dict[str, str | None]) -> None:
    assert row_of_line(line) == row


@pytest.mark.parametrize(
    "line",
    [
        b'{"price":true}',
        b'{"price":{"usd":1}}',
        b'{"brand":["a"]}',
        b'{"price":NaN}',
        b'{"colour":"red"}',
        b'{"brand":"\\ud800"}',
        b'{"brand":"\xff"}',
        b'{"brand":"a"} {}',
        b"[1]",
        b"7",
        b"null",
        b"event",
    ],
)
def test_what_no_row_of_text_can_hold_is_kept_whole(line: bytes) -> None:
    assert row_of_line(line) is None
    assert lines_of(batch_of_lines([line])) == [line]


def test_line_ends_of_windows_are_no_part_of_a_kept_line() -> None:
    assert lines_of(batch_of_lines([b"broken\r"])) == [b"broken"]


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)), st.integers(1, 50))
def test_lines_are_found_wherever_the_chunks_end(lines: list[bytes], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "CHUNK_BYTES", chunk)
        found = [line for part in lines_of_stream(io.BytesIO(b"\n".join(lines))) for line in part]
    assert found == [line for line in lines if line.strip()]


@pytest.mark.parametrize("chunk", [8, 1 << 20])
def test_a_line_over_the_limit_is_named(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(ndjson, "MAX_LINE_BYTES", 50)
    lines = b'{"brand":"a"}\n\n' + b"x" * 51
    with pytest.raises(ValueError, match=r"^line 3 is longer than 50 bytes\.$"):
        list(lines_of_stream(io.BytesIO(lines)))


@pytest.mark.parametrize(
    ("line", "names"), [(b'{"user_id":1,"x":[]}', True), (b'{"brand":"a"}', False), (b"[]", False), (b"{", False)]
)
def test_an_event_is_recognised_by_what_every_event_has(line: bytes, names: bool) -> None:
    assert names_a_field(line) is names
