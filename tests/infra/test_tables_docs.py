"""docs/tables.md says what the declarations of the tables say."""

from __future__ import annotations

import re

from cdp.chart_tables import CHART_TABLES
from infra.stack import tables_docs


def test_the_page_is_current() -> None:
    remedy = "write it again: .venv/bin/python -m infra.stack.tables_docs"
    assert tables_docs.MARKDOWN_FILE.read_text() == tables_docs.tables_markdown(), remedy


def test_every_table_has_a_heading_and_every_column_a_row() -> None:
    parts = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", tables_docs.tables_markdown(), re.MULTILINE | re.DOTALL))
    for table in CHART_TABLES:
        assert re.findall(r"^\| `(\w+)` \|", parts[table.name], re.MULTILINE) == list(table.column_names)
