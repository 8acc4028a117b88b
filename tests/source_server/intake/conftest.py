"""Writes files of rows, and loads them with the importer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from source_server.intake import FileAccount, derive_name, mapping_for, read_chunks

NOW = datetime(2019, 11, 1, tzinfo=UTC)
HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
ROW = "2019-10-01 00:00:00 UTC,view,1,2053013552259662037,electronics.smartphone,apple,9.50,u1,s1"


@dataclass
class LoadResult:
    lines: list[bytes]
    times: list[Any]
    account: FileAccount
    fractions: list[float | None]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.lines]

    @property
    def refused(self) -> dict[str, tuple[int, list[int]]]:
        return {reason: (refusals.count, refusals.places) for reason, refusals in self.account.refused.items()}


def load(path: Path, mapping: str | None = None) -> LoadResult:
    """Load the whole file, and check what holds for every file."""
    result = LoadResult([], [], FileAccount(), [])
    for chunk in read_chunks(path, mapping_for(mapping), derive_name(path), NOW):
        assert isinstance(chunk.lines, pa.BinaryArray)
        assert chunk.times.type == pa.timestamp("us", "UTC")
        result.lines += chunk.lines.to_pylist()
        result.times += chunk.times.to_pylist()
        result.account += chunk.account
        result.fractions.append(chunk.fraction)
    account = result.account
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in result.lines)
    assert len(result.lines) == len(result.times) == account.events + account.refused_count
    assert account.read == sum(account.skipped.values()) + account.events + account.refused_count
    assert result.fractions == sorted(result.fractions, key=lambda fraction: fraction or 0)
    return result


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines, or bytes, to a file of that name."""

    def write(name: str, *lines: str | bytes, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / name
        texts = [line if isinstance(line, bytes) else line.encode(encoding) for line in lines]
        path.write_bytes(b"".join(text + end.encode(encoding) for text in texts))
        return path

    return write
