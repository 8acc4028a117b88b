"""The examples of docs/mappings.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from source_server.intake.mapping_file import SHIPPED, mapping_for
from tests.source_server.intake.conftest import load

PAGE = Path("docs/mappings.md").read_text()
EXAMPLE = re.compile(
    r"<!-- example: (\S+) ?(\S*) -->\n```\n(.*?)```\n.*?```toml\n(.*?)```\n.*?<!-- events -->\n```json\n(.*?)```", re.DOTALL
)
EXAMPLES = EXAMPLE.findall(PAGE)


def test_there_are_four() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("name", "encoding", "rows", "mapping", "events"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_example(name: str, encoding: str, rows: str, mapping: str, events: str, tmp_path: Path) -> None:
    file, toml = tmp_path / name, tmp_path / "mapping.toml"
    file.write_text(rows, encoding=encoding or "utf-8")
    toml.write_text(mapping)
    result = load(file, str(toml))
    assert result.events == [orjson.loads(line) for line in events.splitlines()]
    assert sum(result.account.skipped.values()) == ("[[skip]]" in mapping)


def test_the_page_lists_what_ships() -> None:
    for file in SHIPPED.glob("*.toml"):
        assert f"| `{file.stem}` |" in PAGE
        assert mapping_for(file.stem).fields
