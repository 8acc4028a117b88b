"""The command that writes a history: the store accepts its file, and its summary matches the file."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from cdp.settings import REPOSITORY, Settings
from source_server.generate import main
from source_server.history.dirt import CODES
from source_server.history.files import ROW_GROUP_ROWS
from source_server.history.rows import COLUMNS
from source_server.http import pages
from tests.source_server.conftest import add_file

SMALL = ["--customers", "1500", "--events", "240000", "--days", "5", "--last-day", "2019-09-24", "--jobs", "1"]
#: The reason for which a row is refused, in plain SQL over the columns.
REFUSED = """SELECT CASE
    WHEN payload IS NOT NULL THEN 'not_json'
    WHEN '' IN (coalesce(event_time, ''), coalesce(event_type, ''), coalesce(product_id, ''), coalesce(price, ''),
                coalesce(user_id, '')) THEN 'missing'
    WHEN NOT regexp_full_match(event_time, '20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC') THEN 'bad_time'
    WHEN event_type NOT IN ('view', 'cart', 'remove_from_cart', 'purchase', 'refund') THEN 'bad_type'
    WHEN NOT regexp_full_match(price, '[0-9]{1,10}\\.[0-9]{2}') THEN 'bad_price'
    WHEN NOT regexp_full_match(coalesce(quantity, '1'), '[1-9][0-9]*') THEN 'bad_quantity'
    WHEN greatest(length(brand), length(user_session)) > 200 THEN 'too_long'
    ELSE event_type END AS what, count(*) AS n, count(*) - count(DISTINCT t) AS copies
    FROM read_parquet(?) AS t GROUP BY what"""


def write(tmp_path: Path, *arguments: str) -> list[dict[str, str | None]]:
    out = tmp_path / "out.parquet"
    assert main(["--out", str(out), *SMALL, *arguments]) == 0
    return pq.read_table(out).to_pylist()


def parse_summary(printed: str) -> dict[str, str]:
    return {line.split()[0]: line.split()[1].replace(",", "") for line in printed.splitlines() if line}


def test_the_next_day_continues_where_the_history_ends(tmp_path: Path) -> None:
    history, next_day = write(tmp_path), write(tmp_path, "--from", "2019-09-25", "--to", "2019-09-25")
    assert write(tmp_path, "--days", "6", "--last-day", "2019-09-25") == history + next_day


@pytest.mark.subprocess
@pytest.mark.parametrize("name", ["out.parquet", "out.csv.gz"])
def test_two_processes_write_what_one_writes(tmp_path: Path, name: str) -> None:
    one, two = tmp_path / f"one-{name}", tmp_path / f"two-{name}"
    assert main(["--out", str(one), *SMALL]) == main(["--out", str(two), *SMALL, "--jobs", "2"]) == 0
    assert one.read_bytes() == two.read_bytes()


def test_the_summary_counts_what_is_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write(tmp_path)
    summary = parse_summary(capsys.readouterr().out)
    counts = duckdb.execute(REFUSED, [str(tmp_path / "out.parquet")]).fetchall()
    types = {what: n - copies for what, n, copies in counts if what not in CODES}
    refused = {what: n for what, n, _ in counts if what in CODES}
    assert {what: int(summary[what]) for what in types} == types
    assert {what: int(summary[what]) for what in CODES} == refused, "each reason occurs"
    assert int(summary["duplicates"]) == sum(copies for what, _, copies in counts if what not in CODES) > 0
    assert int(summary["events"]) == sum(types.values())
    assert int(summary["dirty"]) == sum(refused.values())
    assert int(summary["rows"]) == len(rows) == int(summary["events"]) + int(summary["dirty"]) + int(summary["duplicates"])
    assert (summary["from"], summary["days"]) == ("2019-09-20", "5")


def test_its_customers_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write(tmp_path)
    with_event = {row["user_id"] for row in rows if row["user_id"]}
    assert 0 <= len(with_event) - int(parse_summary(capsys.readouterr().out)["customers"]) < 20, (
        "a few have nothing but a dirty row"
    )


def test_csv_holds_the_rows_of_parquet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All but the broken lines, which a CSV can't hold: there the row breaks off."""
    rows = write(tmp_path)
    in_parquet = parse_summary(capsys.readouterr().out)
    for name in ("out.csv", "out.csv.gz"):
        assert main(["--out", str(tmp_path / name), *SMALL]) == 0
        in_csv = parse_summary(capsys.readouterr().out)
        lost = int(in_parquet["not_json"])
        assert int(in_csv["missing"]) == int(in_parquet["missing"]) + lost
        assert {**in_csv, "missing": "", "not_json": ""} == {**in_parquet, "missing": "", "not_json": ""}
        read = duckdb.read_csv(str(tmp_path / name), all_varchar=True, header=True).fetchall()
        assert len(read) == len(rows)
        for cells, row in zip(read, rows, strict=True):
            assert row["payload"] or cells == tuple(row[column] or None for column in COLUMNS[:-1])
    assert (tmp_path / "out.csv").read_text().splitlines()[1].count(",") == len(COLUMNS) - 2


def test_row_groups_have_their_size_and_columns_are_text(tmp_path: Path) -> None:
    write(tmp_path, "--events", "2000000", "--days", "5")
    with pq.ParquetFile(tmp_path / "out.parquet") as file:
        groups = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        assert [(field.name, str(field.type)) for field in file.schema_arrow] == [(name, "string") for name in COLUMNS]
    assert len(groups) > 2
    assert set(groups[:-1]) == {ROW_GROUP_ROWS}


def test_the_store_takes_it_row_by_row(tmp_path: Path, settings: Settings) -> None:
    rows = write(tmp_path)
    dataset = add_file(settings, tmp_path / "out.parquet")
    lines = pages.page(settings, dataset, 0, 50_000).body.split(b"\n")[:-1]
    assert dataset.rows == len(rows) == len(lines)
    assert any(row["payload"] for row in rows)
    for row, line in zip(rows, lines, strict=True):
        assert row["payload"] is None or line == row["payload"].encode(), "a broken line arrives as it was"


@pytest.mark.parametrize("name", ["out.parquet", "out.csv.gz"])
def test_the_importer_finds_just_the_dirt_that_was_planted(
    name: str, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / name), *SMALL]) == 0
    planted = parse_summary(capsys.readouterr().out)
    account = add_file(settings, tmp_path / name).account
    assert (account.read, account.skipped) == (int(planted["rows"]), {})
    refused = {code: refusals.count for code, refusals in account.refused.items()}
    assert refused == {code: int(planted[code]) for code in CODES if int(planted[code])}


def test_the_report_follows_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "--report")
    _, _, table = capsys.readouterr().out.partition("\n\n")
    assert "REES46, October 2019" in table.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days", "0"], "'0' is not a whole number of 1 or more"),
        (["--jobs", "none"], "'none' is not a whole number of 1 or more"),
        (["--from", "2019-9-1"], "write it as YYYY-MM-DD"),
        (["--from", "2019-09-01"], "the history begins on 2019-09-20; 2019-09-01 is before it"),
        (["--from", "2019-09-24", "--to", "2019-09-23"], "ends (2019-09-23) before it begins"),
        (["--out", "nowhere/out.parquet"], "nowhere is not a folder"),
        (["--out", "out.json"], "out.json: the name of a history must end in .parquet, .csv, .csv.gz"),
    ],
)
def test_invalid_arguments_are_one_clear_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out.parquet"), *SMALL, *arguments])
    assert ended.value.code != 0
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.subprocess
def test_it_does_not_look_at_the_clock(tmp_path: Path) -> None:
    """The default history ends on the day that the documentation names, whenever it is made."""
    out = tmp_path / "day.parquet"
    command = [sys.executable, "-m", "source_server.generate", "--out", str(out), "--customers", "100", "--events", "600"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == f"from 2019-09-02 to {date(2019, 10, 31)}"
