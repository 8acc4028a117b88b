"""The ledger adds up, or says that it does not. With real servers: tests/source_server/test_producer.py."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from source_server.ledger import Line, _line, as_table
from source_server.positions import Position

TOLD: dict[str, Any] = {
    "name": "shop",
    "content_id": "c",
    "rows": 90,
    "file": {"read": 100, "skipped": {"cancelled": 8, "test": 2}, "refused": {"bad_price": {"count": 3}}},
}


def test_a_line_is_what_the_source_and_kafka_say() -> None:
    line = _line(TOLD, Position("shop", "cursor", rows=60, refused=1))
    assert line == Line("shop", 100, 10, 90, 59, 1, 30, {"bad_price": 3})
    assert line.balanced


@pytest.mark.parametrize("changed", [{"rows": 91}, {"file": TOLD["file"] | {"read": 99}}])
def test_a_sum_that_is_off_is_seen(changed: dict[str, Any]) -> None:
    line = _line(TOLD | changed, Position("shop"))
    assert not line.balanced
    console = Console(width=200)
    with console.capture() as said:
        console.print(as_table([line]))
    assert "DOES NOT ADD UP" in said.get()
