"""What the agreement tests share: one snapshot a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agreement.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot() -> Iterator[Snapshot]:
    made = Snapshot()
    yield made
    made.close()
