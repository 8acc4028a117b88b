"""A load whose producer, source and broker are killed while it runs: afterwards Kafka holds the file, line by line.

A larger version: ./run bench ingest-faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.history import make_history
from benchmarks.ingest_faults import VICTIMS, load_under_fire
from infra.stack.stack import Stack
from source_server.intake import store

pytestmark = [pytest.mark.stack("kafka", "source"), pytest.mark.timeout(300)]


def test_a_load_under_fire_loses_and_doubles_nothing(servers: Stack, tmp_path: Path) -> None:
    path = tmp_path / "under-fire.parquet"
    make_history(path, 20_000)
    outcome = load_under_fire(servers, path, 1, print)
    assert (outcome.missing, outcome.doubled) == (0, 0)
    assert outcome.rows > 19_000
    assert outcome.kills == dict.fromkeys(VICTIMS, 1)
    store.path_of(servers.settings, "under-fire").unlink()
