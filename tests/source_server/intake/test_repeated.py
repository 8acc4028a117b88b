"""Rows that repeat an earlier row: found in every notation, counted, and kept as separate events if the mapping says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cdp.events.reading import EventReader
from source_server.intake import FileAccount, FileRefused
from source_server.intake.mapping import IDENTITY
from source_server.intake.mapping_file import read_mapping
from source_server.intake.repeated import RepeatFinder, add_row_id, compute_ids
from tests.source_server.intake.conftest import HEADER, ROW, load

Write = Callable[..., Path]
AT = datetime(2019, 10, 1, tzinfo=UTC)
LINE = (
    b'{"event_time":"2019-10-01 00:00:00 UTC","event_type":"view","product_id":"1",'
    b'"brand":"Apple","price":"9.5","user_id":"u1"}\n'
)
KEEP = 'repeated = "keep"\n[fields]\nuser_id = "user_id"\n'


def add_numbers(finder: RepeatFinder, *numbers: int) -> dict[int, int]:
    rows, times = finder.add(np.array(numbers, np.uint64))
    return dict(zip(rows.tolist(), times.tolist(), strict=True))


def test_rows_are_counted_within_a_piece_and_over_all_before_it() -> None:
    finder = RepeatFinder()
    assert add_numbers(finder, 7, 0, 5, 7, 0, 7) == {3: 2, 5: 3}
    assert add_numbers(finder, 0, 0) == {}
    assert add_numbers(finder, 5, 9, 7, 5) == {0: 2, 2: 4, 3: 3}
    assert add_numbers(finder) == {}
    assert add_numbers(finder, 9) == {0: 2}


def test_one_number_per_row_is_stored_in_few_runs() -> None:
    finder, draw = RepeatFinder(), np.random.default_rng(1)
    pieces = [draw.integers(1, 2**64 - 1, 500, np.uint64) for _ in range(40)]
    assert [len(finder.add(piece)[0]) for piece in pieces] == [0] * 40
    assert sum(map(len, finder.runs)) == 20_000
    assert len(finder.runs) <= 9
    assert [len(finder.add(piece)[0]) for piece in pieces] == [500] * 40


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (b'"9.5"', b"9.50", True),
        (b'"9.5"', b'" 9.504 "', True),
        (b'"9.5"', b"9.51", False),
        (b"Apple", b"apple", True),
        (b'"brand"', b'"quantity":"1.0","source":"x","brand"', True),
        (b'"brand"', b'"quantity":2,"brand"', False),
        (b'"1"', b'" 1"', True),
        (b'"1"', b"1", True),
        (b'"brand":"Apple",', b'"brand":"\\u0000",', False),
        (b'"brand"', b'"category_code":null,"user_session":" ","brand"', True),
        (b'"brand"', b'"order_id":"a","brand"', False),
    ],
)
def test_rows_are_identified_by_the_values_that_the_parser_makes_of_them(old: bytes, new: bytes, same: bool) -> None:
    with EventReader() as reader:
        first, other = compute_ids(reader, pa.array([LINE, LINE.replace(old, new)]), AT)
    assert (first == other) is same


def test_an_id_of_its_own_stands_where_it_counts() -> None:
    assert add_row_id(LINE, "abc", 2) == b'{"event_id":"row:abc:2",' + LINE[1:]


REPEATED = [
    ROW,
    ROW.replace("u1", "u2"),
    ROW,
    ROW.replace("9.50", "9.5"),
    ROW.replace(",apple", ", Apple "),
    ROW.replace("u1", ""),
]


def test_by_default_repeated_rows_are_counted_and_sent_unchanged(file: Write) -> None:
    result = load(file("shop.csv", HEADER, *REPEATED))
    assert (result.account.events, result.account.repeated, result.account.repeated_kept) == (5, 3, 0)
    assert not any("event_id" in event for event in result.events)
    assert "  repeated rows, counted once  3" in str(result.account)


def test_kept_rows_are_separate_events_with_ids_that_another_file_gives_too(file: Write) -> None:
    mapping = str(file("keep.toml", KEEP))
    result = load(file("shop.csv", HEADER, *REPEATED), mapping)
    with EventReader() as reader:
        (first,) = compute_ids(reader, pa.array(result.lines[:1]), AT)
    other = [event.get("event_id") for event in result.events]
    assert other == [None, None, f"row:{first}:2", f"row:{first}:3", f"row:{first}:4", None]
    assert (result.account.repeated, result.account.repeated_kept) == (3, 3)
    again = load(file("more.csv", HEADER, *reversed(REPEATED)), mapping)
    assert {event.get("event_id") for event in again.events} == set(other)


def test_repeated_rows_are_found_over_the_pieces_of_a_file(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("source_server.intake.stream.BLOCK_BYTES", 4 * len(ROW))
    rows = [ROW.replace("u1", f"u{place}") for place in range(20)]
    result = load(file("shop.csv", HEADER, *rows, *rows, *rows), str(file("keep.toml", KEEP)))
    assert len(result.fractions) > 5
    assert result.account.repeated_kept == 40
    assert len({event.get("event_id") for event in result.events}) == 41


def test_repeated_lines_of_json_are_counted_and_an_id_makes_rows_differ(file: Write) -> None:
    line = LINE.strip()
    lines = [
        line,
        line,
        line.replace(b"{", b'{"event_id":"a",'),
        line.replace(b"{", b'{"event_id":"a",'),
        line.replace(b"{", b"{ "),
    ]
    assert load(file("shop.ndjson", *lines)).account.repeated == 2
    separate = load(file("shop.ndjson", *lines), str(file("keep.toml", KEEP)))
    assert [event.get("event_id", "")[-2:] for event in separate.events] == ["", ":2", "a", "a", ":3"]


def test_an_empty_id_is_none(file: Write) -> None:
    result = load(file("shop.csv", HEADER + ",event_id", *[ROW + ", "] * 2), str(file("keep.toml", KEEP)))
    assert [b'"event_id":"row:' in line for line in result.lines] == [False, True]
    assert result.account.repeated_kept == 1


def test_accounts_can_be_added_and_restored() -> None:
    both = FileAccount(4, events=4, repeated=2) + FileAccount(3, events=3, repeated=1, repeated_kept=1)
    assert (both.repeated, both.repeated_kept) == (3, 1)
    assert FileAccount.from_json(both.as_json()) == both
    assert [line.split()[-1] for line in str(replace(both, repeated=1)).splitlines()] == ["7", "7", "1"]


def test_a_mapping_says_what_equal_rows_are() -> None:
    say = "[fields]\nuser_id = 'user'\n"
    silent, once, keep = (read_mapping((key + say).encode(), "m") for key in ("", 'repeated = "once"\n', 'repeated = "keep"\n'))
    assert [mapping.keeps_repeated for mapping in (silent, once, keep, IDENTITY)] == [False, False, True, False]
    assert silent.fingerprint == once.fingerprint != keep.fingerprint
    with pytest.raises(FileRefused, match='m: repeated must be "keep" or "once", not True'):
        read_mapping(("repeated = true\n" + say).encode(), "m")
