"""What ./run load does, as far as it needs no server: dry runs, refusals, and what is said at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from cdp.settings import Settings
from source_server import store
from source_server.load import Loaded, load, main
from source_server.producer import Report
from source_server.readers import FileRefused

Write = Callable[..., Path]


def test_a_dry_run_shows_and_changes_nothing(settings: Settings, ndjson: Write) -> None:
    path = ndjson("shop.ndjson", {"user_id": "first"}, {"event_type": "cart"}, b"broken", *[{}] * 10)
    done = load(settings, [path], dry_run=True)
    (found,) = done.previews
    assert (found.rows, found.kept_whole, dict(found.types)) == (13, 1, {"view": 11, "cart": 1})
    assert orjson.loads(found.lines[0]) == {**orjson.loads(found.lines[3]), "user_id": "first", "source": "shop"}
    assert found.lines[2] == b"broken"
    assert len(found.lines) == 5
    assert done.finished
    assert "shop: 13 rows from 2019-10-01 00:00:00 to 2019-10-01 00:00:00, 1 of them kept as they came; view 11, cart 1" in str(
        done
    )
    assert not store.folder(settings).exists()


def test_two_files_of_one_name_are_refused_before_anything_is_done(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="2 of the files would become the data set 'shop'; rename all but one"):
        load(settings, [tmp_path / "shop.csv", tmp_path / "more" / "shop.ndjson.gz"])
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
def test_the_end_says_what_was_done_and_what_to_do(report: Report, finished: bool, says: str) -> None:
    done = Loaded(1, reports=(report,))
    assert (done.finished, str(done)) == (finished, says)


def test_the_command_says_one_line_of_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "shop.csv")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"python -m source_server.load: {tmp_path / 'shop.csv'} is not a file.\n"
