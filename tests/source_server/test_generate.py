"""The command that writes a history: its file is one the store takes, and its numbers are those of the file."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cdp.settings import REPOSITORY, Settings
from source_server import store
from source_server.generate import main
from source_server.history.dirt import SPOILS

SMALL = ["--customers", "1500", "--events", "240000", "--days", "5", "--last-day", "2019-09-24"]


def written(tmp_path: Path, *arguments: str) -> list[dict[str, str | None]]:
    out = tmp_path / "out.parquet"
    assert main(["--out", str(out), *SMALL, *arguments]) == 0
    return pq.read_table(out).to_pylist()


def test_the_next_day_goes_on_where_the_history_ends(tmp_path: Path) -> None:
    history, next_day = written(tmp_path), written(tmp_path, "--from", "2019-09-25", "--to", "2019-09-25")
    assert written(tmp_path, "--days", "6", "--last-day", "2019-09-25") == history + next_day


def test_the_summary_counts_what_is_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = written(tmp_path)
    told = {line.split()[0]: line.split()[1].replace(",", "") for line in capsys.readouterr().out.splitlines()}
    assert int(told["rows"]) == len(rows)
    assert int(told["events"]) + int(told["dirty"]) + int(told["duplicates"]) == len(rows)
    assert int(told["events"]) == sum(int(told[name]) for name in ("view", "cart", "remove_from_cart", "purchase"))
    assert int(told["dirty"]) == sum(int(told[code]) for code in SPOILS)
    copies = sum(count - 1 for count in Counter(tuple(row.values()) for row in rows).values())
    assert int(told["duplicates"]) == copies
    assert int(told["not_json"]) == sum(row["payload"] is not None for row in rows) > 0
    assert int(told["too_long"]) == sum(any(len(value or "") > 200 for value in row.values()) for row in rows) > 0
    assert told["from"] == "2019-09-20"


def test_the_store_takes_it_row_by_row(tmp_path: Path, settings: Settings) -> None:
    rows = written(tmp_path)
    dataset = store.add(settings, tmp_path / "out.parquet")
    lines = store.page(settings, dataset, 0, 50_000).lines
    assert dataset.rows == len(rows) == len(lines)
    assert any(row["payload"] for row in rows)
    for row, line in zip(rows, lines, strict=True):
        assert row["payload"] is None or line == row["payload"].encode(), "a broken line arrives as it was"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--days", "0"], "'0' is not a whole number of 1 or more"),
        (["--from", "2019-9-1"], "write it as YYYY-MM-DD"),
        (["--from", "2019-09-01"], "the history begins on 2019-09-20; 2019-09-01 lies before it"),
        (["--from", "2019-09-24", "--to", "2019-09-23"], "ends (2019-09-23) before it begins"),
        (["--out", "nowhere/out.parquet"], "nowhere is not a folder"),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out.parquet"), *SMALL, *arguments])
    assert ended.value.code != 0
    assert says in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.subprocess
def test_it_does_not_look_at_the_clock(tmp_path: Path) -> None:
    """The default history ends on the day that the documentation names, whenever it is made."""
    out = tmp_path / "day.parquet"
    command = [sys.executable, "-m", "source_server.generate", "--out", str(out), "--customers", "100", "--events", "600"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"from 2019-09-02 to {date(2019, 10, 31)}"
