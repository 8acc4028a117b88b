"""What ./run load does, as far as it needs no server: dry runs, refusals, and what is said at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cdp.settings import Settings, current
from source_server import store
from source_server.afterwards import DayRows
from source_server.intake import FileRefused
from source_server.load import Loaded, Sent, load, main, what_next
from source_server.producer import Report
from tests.source_server.conftest import taken_in

Write = Callable[..., Path]


def test_a_dry_run_shows_and_changes_nothing(settings: Settings, ndjson: Write) -> None:
    path = ndjson("shop.ndjson", {"user_id": "first"}, {"event_type": "cart"}, b"broken", *[{}] * 10)
    done = load(settings, [path], dry_run=True)
    (found,) = done.previews
    assert (found.account.read, found.account.events, found.account.refused["not_json"].places) == (13, 12, [3])
    assert done.finished
    assert all(said in str(done) for said in ("user_id=first", "view", "cart", "not_json", "line 3"))
    assert not store.folder(settings).exists()


def test_two_files_of_one_name_are_refused_before_anything_is_done(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="2 of the files would become the data set 'shop'; rename all but one"):
        load(settings, [tmp_path / "shop.csv", tmp_path / "more" / "shop.ndjson.gz"])
    assert not store.folder(settings).exists()


def test_a_file_that_is_not_there_is_told_before_the_one_in_front_of_it_is_taken_in(
    settings: Settings, ndjson: Write, tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match=r"late\.csv is not a file"):
        load(settings, [ndjson("shop.ndjson", {}), tmp_path / "late.csv"])
    assert not store.folder(settings).exists()


def test_a_stop_while_reading_sends_nothing(settings: Settings, ndjson: Write) -> None:
    stop = threading.Event()
    stop.set()
    done = load(settings, [ndjson("shop.ndjson", {})], stop=stop)
    assert not done.finished
    assert str(done) == "1 more not begun; run the same again to go on"
    assert store.datasets(settings) == []


@pytest.mark.parametrize(
    ("report", "finished", "says"),
    [
        (Report("a", 9, position=9, sent=4, acknowledged=4, seconds=2), True, "a: 4 events sent in 2.0 s; all in Kafka"),
        (Report("a", 9, position=5), False, "a: 0 events sent in 0.0 s; stopped at row 5 of 9; run the same again to go on"),
        (Report("a", 9, 9, 9, 8, refused=1), False, "a: 8 events sent in 0.0 s, 1 too large for Kafka; all else in Kafka"),
    ],
)
def test_the_end_says_what_was_done_and_what_to_do(
    report: Report, finished: bool, says: str, settings: Settings, ndjson: Write
) -> None:
    dataset = taken_in(settings, ndjson("a.ndjson", {}))
    done = Loaded(1, sent=(Sent(dataset, report),))
    assert (done.finished, str(done)) == (finished, f"{dataset.account}\n{says}")


def test_a_load_ends_with_the_days_of_all_its_files(settings: Settings, ndjson: Write) -> None:
    rows = [{"event_time": f"2019-10-{day:02} 22:00:00 UTC"} for day in range(1, 9)]
    sets = [taken_in(settings, ndjson(f"{name}.ndjson", *rows)) for name in ("a", "b")]
    late = taken_in(settings, ndjson("c.ndjson", {"event_time": "2019-10-09 12:50:00 UTC"}, {"event_time": "never"}))
    done = Loaded(3, sent=tuple(Sent(each, Report(each.name, each.rows, position=each.rows)) for each in (*sets, late)))
    assert store.days(settings, "a")[date(2019, 10, 1)] == DayRows(1, datetime(2019, 10, 1, 22, tzinfo=UTC))
    assert "./run night --from 2019-10-01 --to 2019-10-08  (2019-10-09 looks partial" in what_next(settings, done)
    assert what_next(settings, Loaded(0)) == ""


def test_a_mapping_that_is_not_there_names_the_ready_ones(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("a\n1\n")
    with pytest.raises(FileRefused, match="rees46"):
        load(current(), [path], mapping="rees64", dry_run=True)


@pytest.mark.parametrize("pace", [["--rate", "0"], ["--speed", "fast"], ["--speed", "0x"], ["--rate", "5", "--speed", "2x"]])
def test_a_pace_that_is_none_is_refused(pace: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["shop.csv", *pace])
    assert ended.value.code == 2
    assert pace[-2] in capsys.readouterr().err


def test_the_command_says_one_line_of_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "shop.csv")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"python -m source_server.load: {tmp_path / 'shop.csv'} is not a file.\n"
