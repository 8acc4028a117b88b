"""./run load, as far as it needs no server: dry runs, refusals, and the text at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cdp.settings import Settings, current
from source_server.afterwards import DayRows
from source_server.intake import FileRefused, store
from source_server.load import LoadResult, SentFile, describe_next_steps, load, main
from source_server.produce.producer import ProducerReport
from tests.source_server.conftest import add_file

Write = Callable[..., Path]


def test_a_dry_run_shows_and_changes_nothing(settings: Settings, ndjson: Write) -> None:
    path = ndjson("shop.ndjson", {"user_id": "first"}, {"event_type": "cart"}, b"broken", *[{}] * 10)
    result = load(settings, [path], dry_run=True)
    (preview,) = result.previews
    assert (preview.account.read, preview.account.events, preview.account.refused["not_json"].places) == (13, 12, [3])
    assert result.finished
    assert all(part in str(result) for part in ("user_id=first", "view", "cart", "not_json", "line 3"))
    assert not store.folder(settings).exists()


def test_two_files_of_one_name_are_refused_before_anything_is_done(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="2 of the files would become the data set 'shop'; rename all but one"):
        load(settings, [tmp_path / "shop.csv", tmp_path / "more" / "shop.ndjson.gz"])
    assert not store.folder(settings).exists()


def test_a_missing_file_is_reported_before_an_earlier_one_is_added(settings: Settings, ndjson: Write, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"late\.csv is not a file"):
        load(settings, [ndjson("shop.ndjson", {}), tmp_path / "late.csv"])
    assert not store.folder(settings).exists()


def test_a_stop_while_reading_sends_nothing(settings: Settings, ndjson: Write) -> None:
    stop = threading.Event()
    stop.set()
    result = load(settings, [ndjson("shop.ndjson", {})], stop=stop)
    assert not result.finished
    assert (result.requested, result.sent) == (1, ())
    assert str(result).startswith("files not started: 1;")
    assert store.list_datasets(settings) == []


@pytest.mark.parametrize(
    ("report", "finished", "line"),
    [
        (ProducerReport("a", 9, position=9, sent=4, acknowledged=4, seconds=2), True, "a: 4 events sent in 2.0 s; all in Kafka"),
        (
            ProducerReport("a", 9, position=5),
            False,
            "a: 0 events sent in 0.0 s; stopped at row 5 of 9; run the same command again to continue",
        ),
        (
            ProducerReport("a", 9, 9, 9, 8, refused=1),
            False,
            "a: 8 events sent in 0.0 s, 1 too large for Kafka; all others in Kafka",
        ),
    ],
)
def test_the_end_says_what_was_sent_and_what_to_do(
    report: ProducerReport, finished: bool, line: str, settings: Settings, ndjson: Write
) -> None:
    dataset = add_file(settings, ndjson("a.ndjson", {}))
    result = LoadResult(1, sent=(SentFile(dataset, report),))
    assert (result.finished, str(result)) == (finished, f"{dataset.account}\n{line}")


def test_a_load_ends_with_the_days_of_all_its_files(settings: Settings, ndjson: Write) -> None:
    rows = [{"event_time": f"2019-10-{day:02} 22:00:00 UTC"} for day in range(1, 9)]
    sets = [add_file(settings, ndjson(f"{name}.ndjson", *rows)) for name in ("a", "b")]
    late = add_file(settings, ndjson("c.ndjson", {"event_time": "2019-10-09 12:50:00 UTC"}, {"event_time": "never"}))
    result = LoadResult(
        3, sent=tuple(SentFile(each, ProducerReport(each.name, each.rows, position=each.rows)) for each in (*sets, late))
    )
    assert store.read_days(settings, "a")[date(2019, 10, 1)] == DayRows(1, datetime(2019, 10, 1, 22, tzinfo=UTC))
    assert "./run night --from 2019-10-01 --to 2019-10-08  (2019-10-09 looks partial" in describe_next_steps(settings, result)
    assert describe_next_steps(settings, LoadResult(0)) == ""


def test_an_unknown_mapping_lists_the_built_in_ones(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("a\n1\n")
    with pytest.raises(FileRefused, match="rees46"):
        load(current(), [path], mapping="rees64", dry_run=True)


@pytest.mark.parametrize("pace", [["--rate", "0"], ["--speed", "fast"], ["--speed", "0x"], ["--rate", "5", "--speed", "2x"]])
def test_an_invalid_pace_is_refused(pace: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["shop.csv", *pace])
    assert ended.value.code == 2
    assert pace[-2] in capsys.readouterr().err


def test_an_error_of_the_command_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "shop.csv")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"python -m source_server.load: {tmp_path / 'shop.csv'} is not a file.\n"
