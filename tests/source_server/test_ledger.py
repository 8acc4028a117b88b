"""The ledger shows whether the sums add up. With real servers: tests/source_server/produce/test_producer.py."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from source_server.ledger import DatasetLine, _make_line, as_table
from source_server.produce.positions import DatasetPosition

TOLD: dict[str, Any] = {
    "name": "shop",
    "content_id": "c",
    "rows": 90,
    "file": {"read": 100, "skipped": {"cancelled": 8, "test": 2}, "refused": {"bad_price": {"count": 3}}},
}


def test_a_line_combines_the_source_and_kafka() -> None:
    line = _make_line(TOLD, DatasetPosition("shop", "cursor", rows=60, refused=1))
    assert line == DatasetLine("shop", 100, 10, 90, 59, 1, 30, {"bad_price": 3})
    assert line.balanced


@pytest.mark.parametrize("changed", [{"rows": 91}, {"file": TOLD["file"] | {"read": 99}}])
def test_a_wrong_sum_is_shown(changed: dict[str, Any]) -> None:
    line = _make_line(TOLD | changed, DatasetPosition("shop"))
    assert not line.balanced
    console = Console(width=200)
    with console.capture() as output:
        console.print(as_table([line]))
    assert "DOES NOT ADD UP" in output.get()
