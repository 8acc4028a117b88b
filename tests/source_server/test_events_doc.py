"""docs/events.md says what the code does: the contract, the numbers of the history, the limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdp.events import FIELDS, REASONS, EventField
from cdp.events.examples import INVALID, message
from cdp.events.fields import CONTRACT_VERSION, MAX_AHEAD_HOURS, MAX_QUANTITY, MAX_REVENUE, MAX_TEXT
from cdp.events.topics import POSITIONS
from cdp.settings import REPOSITORY
from source_server.generate import main
from source_server.history.catalogue import CATEGORIES
from source_server.http import pages
from source_server.http.app import DEFAULT_LIMIT, MAX_LIMIT
from source_server.intake import store
from source_server.intake.kinds import ENDINGS

TEXT = (REPOSITORY / "docs" / "events.md").read_text()
WORDS = " ".join(TEXT.split())


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading this is."""
    rows = TEXT.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r" \| ", row.strip("| "))] for row in rows]


def test_the_contract_is_the_one_of_the_code() -> None:
    def must_be_there(field: EventField) -> str:
        return f"or `{field.instead}`" if field.instead else "yes" if field.required else "no"

    assert table("field") == [[f"`{field.name}`", field.kind, must_be_there(field), field.about] for field in FIELDS]


def test_the_reasons_are_those_of_the_code() -> None:
    assert table("reason") == [[f"`{reason.code}`", reason.says] for reason in REASONS]


def test_the_examples_are_those_of_the_contract() -> None:
    assert f"```json\n{message({}).decode()}\n```" in TEXT
    assert {f"`{INVALID[name].reason}`" for name, _ in table("example")} == {f"`{reason.code}`" for reason in REASONS}
    assert table("example") == [[name, f"`{INVALID[name].reason}`"] for name, _ in table("example")]


def test_the_kinds_of_files_are_those_that_are_read() -> None:
    assert set(re.findall(r"`(\.\w+)`", " ".join(row[0] for row in table("file")))) == set(ENDINGS)


def test_the_numbers_of_the_history_are_those_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "python -m source_server.generate --out history.parquet\n" in TEXT
    assert main(["--out", str(tmp_path / "history.parquet")]) == 0
    assert f"```\n{capsys.readouterr().out}```" in TEXT


@pytest.mark.parametrize(
    "says",
    [
        f"A text may have {MAX_TEXT} characters, a quantity may be {MAX_QUANTITY:,}, a purchase be worth {MAX_REVENUE:,}",
        f"{len(CATEGORIES)} categories",
        f"`limit` is 1 to {MAX_LIMIT:,}, {DEFAULT_LIMIT:,} where it is absent",
        f"it ends at {pages.MAX_PAGE_BYTES >> 20} MB",
        f"in groups of {store.ROW_GROUP_ROWS:,}",
        f"This is version {CONTRACT_VERSION} of the contract",
        f"more than {MAX_AHEAD_HOURS} hours ahead",
        f"the compacted topic `{POSITIONS.name}`",
    ],
)
def test_the_limits_are_those_of_the_code(says: str) -> None:
    assert says in WORDS
