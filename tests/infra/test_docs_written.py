"""The files that are written from the code are current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdp.mart.charts import CHART_TABLES
from cdp.metrics import METRICS
from infra.docs import PAGES
from infra.docs.metrics import metrics_markdown
from infra.docs.tables import tables_markdown


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_file_is_current(path: Path) -> None:
    assert path.read_text() == PAGES[path](), "write it again: .venv/bin/python -m infra.docs"


def test_every_metric_has_a_row_of_six_cells() -> None:
    rows = [line for line in metrics_markdown().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [metric.key for metric in METRICS]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {8}


def test_every_table_has_a_heading_and_every_column_a_row() -> None:
    parts = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", tables_markdown(), re.MULTILINE | re.DOTALL))
    for table in CHART_TABLES:
        assert re.findall(r"^\| `(\w+)` \|", parts[table.name], re.MULTILINE) == list(table.column_names)
