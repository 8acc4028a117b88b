"""Exports in a temporary folder, and the snapshots of one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cdp.settings import Settings
from source_server.diff.options import make_options
from source_server.diff.snapshots import Snapshots

Write = Callable[..., Path]
#: Every kind of column: numbers, money, a boolean, a time, and texts.
TABLE = "products"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an export: texts as lines, bytes as they are."""

    def write_export(*lines: str, data: bytes | None = None, name: str = f"{TABLE}.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(data if data is not None else "".join(f"{line}\n" for line in lines).encode())
        return path

    return write_export


@pytest.fixture
def snapshots(settings: Settings) -> Snapshots:
    return Snapshots(settings, TABLE, make_options(TABLE).key)
