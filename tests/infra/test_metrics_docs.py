"""docs/metrics.md says what the catalogue says."""

from __future__ import annotations

import re

from cdp.metrics import METRICS
from infra.stack import metrics_docs


def test_the_page_is_current() -> None:
    remedy = "write it again: .venv/bin/python -m infra.stack.metrics_docs"
    assert metrics_docs.MARKDOWN_FILE.read_text() == metrics_docs.metrics_markdown(), remedy


def test_every_metric_has_a_row_of_six_cells() -> None:
    rows = [line for line in metrics_docs.metrics_markdown().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [metric.key for metric in METRICS]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {8}
